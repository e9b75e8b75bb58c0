"""Mandates: whom Braintree's vault keeps a card for, under names that only we can make.

A customer of the vault is named by a keyed hash of the owner's hash (core.owner), 32 hexadecimal digits, because an id
there has at most 36 characters. Keyed once more, so that a copy of our tables (`reservations` names owners too) can't
be matched with Braintree's data without the key. She has no name, no e-mail and no address there. What she agreed to
rides in her card's token (`12-eur-<random>`): nothing of it is kept by us. Counterpart: `provider.py`.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

from tyst.core import keyring
from tyst.core.order import Order
from tyst.core.owner import OWNER, owner_of
from tyst.core.product import Product
from tyst.payments.provider import Agreed, PaymentError

_KEYS = "site.keys"
_TOKEN = re.compile(r"(\d{1,2})-(eur|sek|usd)-[0-9a-f]{20}")
CUSTOMER = re.compile(r"[0-9a-f]{32}")
_ID_BYTES = 16
_RANDOM_BYTES = 10


class Names:
    """Makes mandates' names. The key is the site's `OWNER`, read from the state folder when it is first needed."""

    def __init__(self, state: Path, draw: Callable[[int], bytes]) -> None:
        self._state, self._draw = state, draw
        self._key: bytes = b""

    def __repr__(self) -> str:
        return "<mandates' names>"

    def of_order(self, order: Order) -> str:
        """The mandate's name as everybody but this folder knows it: the owner's hash, hexadecimal."""
        since = order.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        return owner_of(self._secret(), order.username, since).hex()

    def customer(self, mandate: str) -> str:
        """Braintree's customer id for a mandate."""
        hashed = hashlib.blake2b(mandate.encode(), key=self._secret(), digest_size=_ID_BYTES, person=b"tyst braintree")
        return hashed.hexdigest()

    def token(self, order: Order) -> str:
        """A fresh token for the card of this order's buyer: what she agrees to."""
        return f"{order.months}-{order.total.currency.lower()}-{self._draw(_RANDOM_BYTES).hex()}"

    def _secret(self) -> bytes:
        if not self._key:
            try:
                self._key = keyring.from_text((self._state / _KEYS).read_bytes(), room="site").secrets[OWNER]
            except (OSError, KeyError, ValueError):
                raise PaymentError(f"{_KEYS} in the state folder can't be read: mandates need its owner key") from None
        return self._key


def may_renew(order: Order) -> bool:
    """A subscription by months, for a consumer: a company's VAT number is kept nowhere and could not be used again."""
    return order.renews and order.product is Product.SUBSCRIPTION and order.months > 0 and not order.vat_id


def agreed(tokens: list[str]) -> Agreed | None:
    """What the newest card's token says; None when no card is ours."""
    found = [match for token in tokens if (match := _TOKEN.fullmatch(token))]
    return Agreed(int(found[0][1]), found[0][2].upper()) if found else None


def card(tokens: list[str]) -> str | None:
    """The token to charge."""
    return next((token for token in tokens if _TOKEN.fullmatch(token)), None)
