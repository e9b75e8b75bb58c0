"""CoinPayments' wire (its API of today, with client id and secret): signed JSON over HTTPS.

`POST v2/merchant/invoices` opens an invoice, `GET v2/merchant/invoices/<id>` shows it whole, `GET
v1/merchant/invoices` lists them with cursors, `GET v1/currencies` says by which numbers currencies go. Knows no orders:
that is `provider.py`.
"""

import json
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from tyst.core.transient import Transient
from tyst.payments.coinpayments.signature import headers
from tyst.payments.provider import PaymentError
from tyst.payments.wire import Answer, Wire, text

NOTIFICATIONS = (
    "invoiceCreated",
    "invoicePending",
    "invoicePaid",
    "invoiceCompleted",
    "invoiceCancelled",
    "invoiceTimedOut",
)
PAGE, PAGES = 100, 100
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_WHO = "CoinPayments"


@dataclass(frozen=True, slots=True)
class Opened:
    """An invoice's id and the page on which it is paid."""

    id: str = field(repr=False)
    link: str = field(repr=False)


class Client:
    """One integration at CoinPayments."""

    def __init__(
        self, base: str, client: str, secret: bytes, now: Callable[[], datetime], context: ssl.SSLContext | None
    ) -> None:
        self.client, self.secret, self._now = client, Transient(secret), now
        self.wire = Wire(base, _WHO, context)
        self._currencies: dict[str, str] = {}

    def open(self, *, currency: str, amount: str, number: str, order: str, callback: str, back: str) -> Opened:
        """Opens an invoice. `number`: what we find it by; `order`: the sealed order, in the merchant's own notes and in
        the custom data, which webhooks bring back; `callback`: where they are posted."""
        said = self._ask(
            "POST", "/api/v2/merchant/invoices", 201, self._invoice(currency, amount, number, order, callback, back)
        )
        invoices = said.get("invoices") if isinstance(said, dict) else None
        first = invoices[0] if isinstance(invoices, list) and invoices else None
        identity, link = text(first, "id"), text(first, "checkoutLink")
        if not _ID.fullmatch(identity) or not self._may_lead_to(link):
            raise PaymentError("CoinPayments opened an invoice without a page to pay it")
        return Opened(identity, link)

    def invoice(self, identity: str) -> Any:
        """An invoice with all its details."""
        if not _ID.fullmatch(identity):
            raise PaymentError("CoinPayments told of an invoice without its id")
        return self._ask("GET", f"/api/v2/merchant/invoices/{identity}", 200)

    def invoices(self, number: str = "") -> Iterator[Any]:
        """Summaries of invoices, newest first; `number`: those that are searched for by it."""
        asked = {"limit": str(PAGE)} | ({"q": number} if number else {})
        for _ in range(PAGES):
            said = self._ask("GET", "/api/v1/merchant/invoices?" + urlencode(asked), 200)
            items = said.get("items") if isinstance(said, dict) else None
            if not isinstance(items, list):
                raise PaymentError("CoinPayments said something that makes no sense")
            yield from items
            paging = said.get("paging")
            after = text(paging, "cursors", "after")
            if not items or not after or not text(paging, "next"):
                return
            asked["after"] = after

    def currency(self, code: str) -> str:
        """The number by which CoinPayments knows EUR, SEK or USD. PaymentError when it doesn't."""
        if code not in self._currencies:
            said = self._ask("GET", "/api/v1/currencies?types=fiat", 200)
            items = said.get("items") if isinstance(said, dict) else said
            self._currencies = dict(_fiat(items)) if isinstance(items, list) else {}
        if code not in self._currencies:
            raise PaymentError(f"CoinPayments does not invoice in {code}")
        return self._currencies[code]

    def _invoice(self, currency: str, amount: str, number: str, order: str, callback: str, back: str) -> dict[str, Any]:
        item = {"name": "VPN", "quantity": {"value": 1, "type": 2}, "amount": amount}
        return {
            "clientId": self.client,
            "currency": self.currency(currency),
            "invoiceId": number,
            "items": [item],
            "amount": {"breakdown": {"subtotal": amount}, "total": amount},
            "isEmailDelivery": False,
            "requireBuyerNameAndEmail": False,
            "notes": order,
            "customData": {"order": order},
            "webhooks": [{"notificationsUrl": callback, "notifications": list(NOTIFICATIONS)}],
            "successUrl": back,
            "cancelUrl": back,
        }

    def _ask(self, method: str, path: str, status: int, body: object = None) -> Any:
        sent = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        signed = headers(self.secret.reveal(), method, self.wire.base + path, self.client, self._now(), sent)
        kind = {"content-type": "application/json"} if sent else {}
        answer = self.wire.ask(method, path, body=sent, headers=signed | kind)
        _expect(answer, status)
        return answer.json(_WHO)

    def _may_lead_to(self, link: str) -> bool:
        """HTTPS only; a server on this machine (the lab's) may lead to this machine without."""
        split, own = urlsplit(link), urlsplit(self.wire.base)
        return split.scheme == "https" or (own.hostname == "localhost" and split.hostname in ("localhost", "127.0.0.1"))


def _fiat(items: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for item in items:
        code, identity = text(item, "symbol"), text(item, "id")
        if text(item, "type").lower() in ("fiat", "") and code and identity:
            yield code, identity


def _expect(answer: Answer, status: int) -> None:
    """PaymentError, in our words, unless the answer has this status."""
    if answer.status == status:
        return
    if answer.status in (401, 403):
        raise PaymentError("CoinPayments does not accept our client id and secret, or this machine's clock is wrong")
    if answer.status == 429:
        raise PaymentError("CoinPayments was asked too often: try again in a minute")
    raise PaymentError("CoinPayments can't do it now")
