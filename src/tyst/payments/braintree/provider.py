"""Cards by Braintree: what our orders are there, and what its answers mean for them.

An order's sealed text is the transaction's order id (151 of 255 characters). The buyer's browser hands her card to
Braintree's own frames and us a nonce, which is charged at once. What became of an order is always read from all sales
that carry its text (`_verdict`), never from what a callback says: a declined card may be followed by a good one, and
two tabs may pay twice (`sweep` gives the second back). Renewals are charges of ours to a vaulted card: decision 0040.
Counterparts: `client.py` (the wire), `mandates.py` (names in the vault), `setup.py` (what the operator is asked).
"""

import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tyst.core.account import CURRENCIES
from tyst.core.money import MoneyError
from tyst.core.order import Order
from tyst.core.refund import Refund
from tyst.payments.braintree import fields, mandates
from tyst.payments.braintree.client import VOIDABLE, Account, Client, Sale
from tyst.payments.braintree.mandates import Names
from tyst.payments.config import ConfigError
from tyst.payments.provider import Agreed, Callback, Checkout, Event, ForgedError, PaymentError, What

SWEPT = timedelta(days=4)
"""How far back a sweep looks: settlement takes up to two days, a weekend more."""
PAUSE = timedelta(days=20)
"""No mandate is charged twice within this time: shorter than the shortest month less the days before its end."""
WEBHOOK_SECONDS = 2 * 86400.0
"""Braintree repeats a webhook for a day."""
_PAID = frozenset({"submitted_for_settlement", "settling", "settled", "settlement_confirmed", "settlement_pending"})
_SEEN = frozenset({"authorized", "authorizing"})
_RETURNED = frozenset({"voided", "settlement_declined", "settlement_failed"})
_FEW = 20
"""So many may always go: a small shop can lose most of its customers in a day."""
_ELSEWHERE = "this order can't be paid by card here"
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{151}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,64}")
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")


class Braintree:
    """One merchant's cards. `accounts`: the merchant account of each currency that is sold."""

    name = "braintree"
    renews = True

    def __init__(
        self,
        client: Client,
        page: fields.Page,
        accounts: Mapping[str, str],
        names: Names,
        now: Callable[[], datetime],
    ) -> None:
        self._client, self._page, self._accounts, self._names, self._now = client, page, accounts, names, now
        self._paying: set[str] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "<Braintree>"

    def offers(self, order: Order) -> bool:
        """Every country, in the currencies that have a merchant account."""
        return order.method == self.name and order.total.currency in self._accounts

    def begin(self, order: Order, reference: str, *, back: str, callback: str) -> Checkout:
        """A card form. Nothing of the order is told to Braintree before the buyer pays."""
        if order.total.currency not in self._accounts:
            raise PaymentError(_ELSEWHERE)
        return self._page.checkout(self._client.token(self._accounts[order.total.currency]), order.total.wire())

    def pay(self, order: Order, reference: str, posted: Mapping[str, str]) -> Event:
        """Charges the card behind the nonce, once: a second press gets what became of the first."""
        self._must_offer(order)
        nonce = posted.get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            raise PaymentError("the card form was sent without a card")
        with self._alone(reference):
            known = self.look(order, reference)
            if known is not None and known.what is not What.FAILED:
                return known
            purchase = self._purchase(order, reference, nonce)
            sale = self._client.sale(purchase)
            if sale is None:
                return Event(What.FAILED, reference)
            if sale.state in _PAID | _SEEN and "credit_card" in purchase:
                self._keep_one_card(sale, purchase["credit_card"]["token"])
            return self._told(sale) or Event(What.FAILED, reference)

    def hear(self, callback: Callback) -> Sequence[Event]:
        """A webhook: verified by the SDK, and then the order's sales are read back. Nothing is taken from its words."""
        signature, payload = _signed(callback.body)
        told = self._client.heard(signature, payload, self._now(), WEBHOOK_SECONDS)
        if told is None:
            return []
        sale = self._read_back(told)
        if sale is None or not _REFERENCE.fullmatch(sale.order):
            return []
        event = self._ended(self._client.of_order(sale.order) or [sale])
        return [event] if event else []

    def look(self, order: Order, reference: str) -> Event | None:
        """What became of an order."""
        return self._verdict(self._client.of_order(reference))

    def sweep(self, now: datetime) -> Iterable[Event]:
        """Every order with a transaction or a dispute of the last days. Gives back what was paid twice."""
        by_order: dict[str, dict[str, Sale]] = {}
        for sale in self._sales(self._client.since(now - SWEPT)):
            if _REFERENCE.fullmatch(sale.order):
                by_order.setdefault(sale.order, {})[sale.id] = sale
        for reference, sales in by_order.items():
            event = self._swept(reference, list(sales.values()))
            if event is not None:
                yield event

    def refund(self, refund: Refund) -> bool:
        """All of it, by state: voided before it is settled, refunded afterwards. Her mandate ends with it."""
        if not _ID.fullmatch(refund.payment):
            return False
        sale = self._client.find(refund.payment)
        if sale is None or not sale.is_sale or sale.state not in _PAID | _SEEN | _RETURNED:
            return False
        try:
            if sale.money != refund.total:
                return False
        except MoneyError:
            return False
        if sale.customer:
            self._client.forget(sale.customer)
        return self._is_returned(sale) or self._give_back(sale)

    def stop(self, mandate: str) -> None:
        """Takes the customer and her cards out of the vault. Nothing when there is none."""
        self._client.forget(self._names.customer(mandate))

    def has_mandate(self, mandate: str) -> bool:
        """Whether a card is vaulted for this owner."""
        return bool(self._client.cards_of(self._names.customer(mandate)))

    def agreed(self, mandate: str) -> Agreed | None:
        """What the owner agreed to be charged for, or None."""
        return mandates.agreed(self._client.cards_of(self._names.customer(mandate)) or [])

    def tidy(self, living: Iterable[str]) -> int:
        """Takes out of the vault whoever is none of the `living` (mandates' names, of every account): whose account was
        deleted while Braintree could not be reached. How many. Customers that are not ours are left alone.

        PaymentError when most of ours would go: then this is another shop's state folder.
        """
        kept = {self._names.customer(mandate) for mandate in living}
        ours = [one for one in self._client.customers() if mandates.CUSTOMER.fullmatch(one)]
        gone = [one for one in ours if one not in kept]
        if len(gone) > max(_FEW, len(ours) // 2):
            raise PaymentError("most of the vault's customers belong to no account here: nothing was removed")
        for one in gone:
            self._client.forget(one)
        return len(gone)

    def renew(self, order: Order, reference: str, mandate: str) -> Event:
        """Charges the vaulted card for `order`. When it was charged within PAUSE already, that charge's own event (with
        its own reference) comes back instead. FAILED: declined, or no mandate; for good: the mandate is gone then.
        """
        self._must_offer(order)
        customer = self._names.customer(mandate)
        earlier = self._recent(customer)
        if earlier is not None:
            return earlier
        token = mandates.card(self._client.cards_of(customer) or [])
        if token is None:
            return Event(What.FAILED, reference)
        sale = self._client.sale(self._renewal(order, reference, token))
        if sale is None or sale.hopeless:
            self._client.forget(customer)
        return (self._told(sale) if sale else None) or Event(What.FAILED, reference)

    def check(self) -> str:
        """Asks for a client token and for each merchant account's currency."""
        for currency, account in self._accounts.items():
            self._client.token(account)
            if self._client.currency_of(account) != currency:
                raise PaymentError(f"the merchant account given for {currency} is in another currency")
        return f"Braintree accepts the credentials; cards can be charged in {', '.join(sorted(self._accounts))}."

    def _must_offer(self, order: Order) -> None:
        if not self.offers(order):
            raise PaymentError(_ELSEWHERE)

    @contextmanager
    def _alone(self, reference: str) -> Iterator[None]:
        """One payment of an order at a time in this process; a nonce is used once, whoever sends it."""
        mark = hashlib.sha256(reference.encode()).hexdigest()
        with self._lock:
            if mark in self._paying:
                raise PaymentError("this order is being paid just now: wait for the answer")
            self._paying.add(mark)
        try:
            yield
        finally:
            with self._lock:
                self._paying.discard(mark)

    def _purchase(self, order: Order, reference: str, nonce: str) -> dict[str, Any]:
        options: dict[str, Any] = {"submit_for_settlement": True}
        told = self._charge(order, reference) | {"payment_method_nonce": nonce, "options": options}
        if self._page.three_d_secure:
            options["three_d_secure"] = {"required": True}
        if mandates.may_renew(order):
            customer = self._names.customer(self._names.of_order(order))
            known = self._client.cards_of(customer) is not None
            options["store_in_vault_on_success"] = True
            told |= {"customer_id": customer} if known else {"customer": {"id": customer}}
            told |= {"credit_card": {"token": self._names.token(order)}, "transaction_source": "recurring_first"}
        return told

    def _renewal(self, order: Order, reference: str, token: str) -> dict[str, Any]:
        """At most one a day for a card: the request's key names both, so a second one is the first one's answer."""
        key = hashlib.sha256(f"{token} {self._now():%Y-%m-%d}".encode()).hexdigest()[:32]
        told = {"payment_method_token": token, "transaction_source": "recurring", "api_request_key": key}
        return self._charge(order, reference) | told | {"options": {"submit_for_settlement": True}}

    def _charge(self, order: Order, reference: str) -> dict[str, Any]:
        account = self._accounts[order.total.currency]
        return {"amount": order.total.wire(), "order_id": reference, "merchant_account_id": account}

    def _keep_one_card(self, sale: Sale, wanted: str) -> None:
        """A new mandate replaces the old one, and bears its token even where the gateway named the card itself. What
        fails here is not the payment's trouble: a card without such a token is never charged.
        """
        try:
            if sale.token and sale.token != wanted:
                self._client.rename_card(sale.token, wanted)
            for token in self._client.cards_of(sale.customer) or [] if sale.customer else []:
                if token != wanted:
                    self._client.forget_card(token)
        except PaymentError:
            return

    def _recent(self, customer: str) -> Event | None:
        """The renewal of the last days that stands, if there is one."""
        sales = self._client.of_customer(customer, self._now() - PAUSE)
        for sale in sales:
            if sale.state in _PAID | _SEEN and _REFERENCE.fullmatch(sale.order) and not self._is_returned(sale):
                return self._told(sale)
        return None

    def _read_back(self, told: Sale) -> Sale | None:
        return self._client.find(told.id)

    def _swept(self, reference: str, sales: list[Sale]) -> Event | None:
        """One order's verdict. Where none of its sales of these days stands, an older one may."""
        if not self._standing(sales):
            sales = self._client.of_order(reference) or sales
        for twice in self._standing(sales)[1:]:
            self._give_back(twice)
        return self._ended(sales)

    def _ended(self, sales: Sequence[Sale]) -> Event | None:
        """The verdict. A card whose sale went back to the buyer is never charged again."""
        event = self._verdict(sales)
        if event is not None and event.what is What.RETURNED:
            for sale in sales:
                if sale.token:
                    self._client.forget_card(sale.token)
        return event

    def _sales(self, found: Iterable[Sale]) -> Iterator[Sale]:
        """The sales among transactions, and those that the credits among them give back."""
        for one in found:
            sale = one if one.is_sale else self._client.find(one.gives_back) if one.gives_back else None
            if sale is not None:
                yield sale

    def _verdict(self, sales: Sequence[Sale]) -> Event | None:
        """What became of one order, from all its sales: paid if one stands, returned if one stood, and so on."""
        standing = self._standing(sales)
        if standing:
            return self._told(standing[0])
        told = [event for sale in sales if (event := self._told(sale))]
        order = (What.RETURNED, What.SEEN, What.FAILED)
        return min(told, key=lambda event: order.index(event.what), default=None)

    def _standing(self, sales: Sequence[Sale]) -> list[Sale]:
        return [sale for sale in sales if sale.state in _PAID and not self._is_returned(sale)]

    def _told(self, sale: Sale) -> Event | None:
        """One sale as an event; None when it isn't in a currency of ours."""
        try:
            return Event(self._what(sale), sale.order, sale.money, sale.id)
        except MoneyError:
            return None

    def _what(self, sale: Sale) -> What:
        if self._is_returned(sale):
            return What.RETURNED
        if sale.state in _PAID:
            return What.PAID
        return What.SEEN if sale.state in _SEEN else What.FAILED

    def _is_returned(self, sale: Sale) -> bool:
        """Voided, charged back, or all of it refunded (a part of it, given by hand, is not)."""
        if sale.disputed or sale.state in _RETURNED:
            return True
        credits = [credit for one in sale.refunds if (credit := self._client.find(one))]
        given = sum((credit.amount for credit in credits if credit.state in _PAID), start=sale.amount * 0)
        return bool(credits) and given >= sale.amount

    def _give_back(self, sale: Sale) -> bool:
        if sale.state in VOIDABLE and self._client.void(sale.id):
            return True
        return self._client.refund(sale)


def build(answers: Mapping[str, str], state: Path, now: Callable[[], datetime]) -> Braintree:
    """The provider of `answers` to `setup.QUESTIONS`. ConfigError says which is wrong, never what it is."""
    missing = [name for name in ("environment", "merchant_id", "public_key", "private_key") if not answers.get(name)]
    accounts = {name: given for name in CURRENCIES if (given := answers.get(f"account_{name.lower()}", ""))}
    if missing or not accounts:
        raise ConfigError(
            f"braintree: {', '.join(missing) or 'a merchant account in at least one currency'} is missing"
        )
    where, page = fields.places(answers["environment"], three_d_secure=answers.get("three_d_secure", "") == "yes")
    account = Account(where.name, *(answers[name] for name in ("merchant_id", "public_key", "private_key")), *where.own)
    try:
        client = Client(account)
    except (OSError, ValueError):
        raise ConfigError("braintree: the gateway's certificate authority can't be read") from None
    return Braintree(client, page, accounts, Names(state, os.urandom), now)


def _signed(body: bytes) -> tuple[str, str]:
    """Signature and payload of a webhook's form."""
    try:
        form = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=4)
        (signature,), (payload,) = form["bt_signature"], form["bt_payload"]
    except (ValueError, KeyError):
        raise ForgedError("this callback does not come from Braintree") from None
    return signature, payload
