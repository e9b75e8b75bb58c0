"""What Braintree's gateway knows and does: cards behind nonces, transactions, the vault's customers, merchant accounts.

The lab's, never imported by product code. Its rules are Braintree's as documented (a nonce is used once, an order id
has 255 characters, a customer id and a token 36; what is not settled is voided, what is settled is refunded). One thing
is its own: cards decline by their number, where Braintree's sandbox goes by the amount. Counterpart: `braintree.py`
puts it on the wire.

Source: https://developer.paypal.com/braintree/docs/reference/general/testing, /reference/request/transaction/sale.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

GOOD_CARD = "4111111111111111"
SOFT_DECLINE = "4000111111111115"
HARD_DECLINE = "5105105105105100"
WITH_BANK = "4000000000001091"
"""Test numbers: paid; declined (2000, try again); declined for good (2004, expired); the bank asks under 3-D Secure."""
_ANSWERS = {
    SOFT_DECLINE: ("2000", "Do Not Honor", "soft_declined"),
    HARD_DECLINE: ("2004", "Expired Card", "hard_declined"),
}
_APPROVED = ("1000", "Approved", "approved")
_VOIDABLE = ("authorized", "submitted_for_settlement", "settlement_pending")
_ORDER_MOST, _ID_MOST = 255, 36


class Invalid(Exception):
    """A request that Braintree answers with 422: `code`, `attribute` and its sentence."""

    def __init__(self, code: str, attribute: str, message: str) -> None:
        super().__init__(message)
        self.code, self.attribute = code, attribute


class Unknown(Exception):
    """404."""


@dataclass(frozen=True)
class Card:
    """A card as typed. `checked`: the bank has asked its holder (3-D Secure)."""

    number: str
    month: str
    year: str
    checked: bool = False


@dataclass
class Transaction:
    """A sale or a credit."""

    id: str
    type: str
    amount: Decimal
    currency: str
    account: str
    order: str
    card: Card
    created: datetime
    status: str
    answer: tuple[str, str, str] = _APPROVED
    rejected: str = ""
    customer: str = ""
    token: str = ""
    recurring: bool = False
    refunds: list[str] = field(default_factory=list)
    gives_back: str = ""
    disputes: list[dict[str, Any]] = field(default_factory=list)


class Vault:
    """One merchant's. `accounts`: merchant accounts and their currencies."""

    def __init__(self, accounts: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self.accounts, self._now = dict(accounts), now
        self.transactions: dict[str, Transaction] = {}
        self.customers: dict[str, dict[str, Card]] = {}
        self.names_cards = True
        """Whether a card stored by a sale gets the token that was asked for."""
        self._nonces: dict[str, Card] = {}
        self._spent: set[str] = set()
        self._keys: dict[str, Transaction] = {}
        self.lock = threading.RLock()

    def tokenize(self, card: Card) -> str:
        """A nonce for a card: usable once."""
        nonce = f"tokencc_bh_{secrets.token_hex(12)}"
        self._nonces[nonce] = card
        return nonce

    def checked(self, nonce: str) -> str:
        """The nonce that 3-D Secure returns for one: the bank has asked."""
        return self.tokenize(replace(self._nonces[nonce], checked=True))

    def sale(self, told: Mapping[str, Any]) -> Transaction:
        """Charges, as `POST /transactions` says it."""
        with self.lock:
            key = told.get("api_request_key")
            if key and key in self._keys:
                return self._keys[key]
            made = self._charge(told)
            if key:
                self._keys[key] = made
            return made

    def _charge(self, told: Mapping[str, Any]) -> Transaction:
        amount, order = Decimal(told["amount"]), str(told.get("order_id") or "")
        if len(order) > _ORDER_MOST:
            raise Invalid("91501", "order_id", "Order ID is too long.")
        if amount <= 0:
            raise Invalid("81531", "amount", "Amount must be greater than zero.")
        account = told["merchant_account_id"]
        if account not in self.accounts:
            raise Invalid("91513", "merchant_account_id", "Merchant account ID is invalid.")
        source = str(told.get("transaction_source") or "")
        made = Transaction(
            secrets.token_hex(6),
            "sale",
            amount,
            self.accounts[account],
            account,
            order,
            Card("", "", ""),
            self._now(),
            "",
        )
        made.recurring = source in ("recurring", "recurring_first")
        made.card = self._card(told, made)
        self._judge(made, told)
        self._store(made, told)
        self.transactions[made.id] = made
        return made

    def _card(self, told: Mapping[str, Any], made: Transaction) -> Card:
        token = told.get("payment_method_token")
        if token:
            for customer, cards in self.customers.items():
                if token in cards:
                    made.customer, made.token = customer, token
                    return cards[token]
            raise Invalid("91518", "payment_method_token", "Payment method token is invalid.")
        nonce = told.get("payment_method_nonce")
        if nonce in self._spent:
            raise Invalid("91564", "payment_method_nonce", "Cannot use a payment_method_nonce more than once.")
        if nonce not in self._nonces:
            raise Invalid("91565", "payment_method_nonce", "Unknown or expired payment_method_nonce.")
        self._spent.add(nonce)
        return self._nonces.pop(nonce)

    def _judge(self, made: Transaction, told: Mapping[str, Any]) -> None:
        options = told.get("options") or {}
        if (options.get("three_d_secure") or {}).get("required") and not made.card.checked:
            made.status, made.rejected = "gateway_rejected", "three_d_secure"
        elif made.card.number in _ANSWERS:
            made.status, made.answer = "processor_declined", _ANSWERS[made.card.number]
        else:
            made.status = "submitted_for_settlement" if options.get("submit_for_settlement") else "authorized"

    def _store(self, made: Transaction, told: Mapping[str, Any]) -> None:
        wanted = (told.get("options") or {}).get("store_in_vault_on_success")
        if not wanted or made.status not in _VOIDABLE:
            return
        customer = told.get("customer_id") or (told.get("customer") or {}).get("id") or secrets.token_hex(5)
        asked = (told.get("credit_card") or {}).get("token") if self.names_cards else ""
        token = asked or secrets.token_hex(6)
        if len(customer) > _ID_MOST or len(token) > _ID_MOST:
            raise Invalid("91612", "id", "Customer ID is too long.")
        if told.get("customer_id") and customer not in self.customers:
            raise Invalid("91510", "customer_id", "Customer ID is invalid.")
        self.customers.setdefault(customer, {})[token] = made.card
        made.customer, made.token = customer, token

    def rename(self, token: str, wanted: str) -> Card:
        """Gives a card another token."""
        for cards in self.customers.values():
            if token in cards:
                cards[wanted] = cards.pop(token)
                return cards[wanted]
        raise Unknown

    def find(self, name: str) -> Transaction:
        """One transaction."""
        if name not in self.transactions:
            raise Unknown
        return self.transactions[name]

    def void(self, name: str) -> Transaction:
        """Stops what is not settled."""
        with self.lock:
            one = self.find(name)
            if one.status not in _VOIDABLE:
                raise Invalid("91504", "base", "Transaction can only be voided if status is authorized or submitted.")
            one.status = "voided"
            return one

    def refund(self, name: str, told: Mapping[str, Any]) -> Transaction:
        """Gives back what is settled: all, or the amount that is left or asked."""
        with self.lock:
            one = self.find(name)
            key = told.get("api_request_key")
            if key and key in self._keys:
                return self._keys[key]
            left = one.amount - sum((self.transactions[back].amount for back in one.refunds), Decimal(0))
            amount = Decimal(told["amount"]) if told.get("amount") else left
            if one.status not in ("settled", "settling"):
                raise Invalid("91506", "base", "Cannot refund transaction unless it is settled.")
            if left <= 0 or amount > left:
                raise Invalid("91512", "base", "Transaction has already been fully refunded.")
            back = replace(one, id=secrets.token_hex(6), type="credit", amount=amount, created=self._now())
            back.status, back.refunds, back.disputes, back.gives_back = "submitted_for_settlement", [], [], one.id
            back.order = str(told.get("order_id") or one.order)
            self.transactions[back.id] = back
            one.refunds.append(back.id)
            if key:
                self._keys[key] = back
            return back

    def dispute(self, name: str, kind: str = "chargeback", status: str = "open") -> dict[str, Any]:
        """The buyer's bank takes the money back, or asks (`retrieval`)."""
        one = self.find(name)
        made = {"id": secrets.token_hex(8), "kind": kind, "status": status, "opened": self._now()}
        one.disputes.append(made)
        return made

    def settle(self, name: str) -> Transaction:
        """A day passes: the money is on its way to the merchant."""
        one = self.find(name)
        if one.status == "submitted_for_settlement":
            one.status = "settled"
        return one
