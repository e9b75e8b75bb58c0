"""Speaking with Braintree's gateway by its official SDK, in our own values: what a sale is, what became of it.

The SDK's HTTP is ours (`_Wire`, the SDK's `http_strategy`): a fixed patience, no proxy, no redirect, nothing logged;
its certificates for Braintree's hosts stay. Every error becomes a PaymentError with a sentence of ours: the SDK's
messages carry what the gateway said. Knows no order and no account; counterpart: `provider.py`. Webhooks are verified
here too.

Source: https://developer.paypal.com/braintree/docs/reference/overview, the SDK's code, version 4.48.
"""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from xml.parsers.expat import ExpatError

import braintree
import httpx
from braintree.exceptions.braintree_error import BraintreeError
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from braintree.exceptions.not_found_error import NotFoundError

from tyst.core.money import Money
from tyst.payments.provider import ForgedError, PaymentError
from tyst.payments.wire import forget_addresses
from tyst.quiet import fence

PATIENCE = 20.0
"""Seconds for one answer. A sale asks the buyer's bank."""
VOIDABLE = frozenset({"authorized", "authorizing", "submitted_for_settlement", "settlement_pending"})
_NEVER = datetime.min.replace(tzinfo=UTC)
_NONSENSE = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError, ExpatError)
"""What the SDK raises over an answer that its parser or its classes can't make sense of."""
_SILENT = "Braintree can't be reached, or its answer makes no sense"
_REFUSED = "Braintree refuses these credentials: compare merchant id and keys with its control panel (Settings, API)"
_FORGED = "this callback does not come from Braintree"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose gateway, and where. `gateway`: an https address of the lab's own, or "" for Braintree's."""

    environment: str
    merchant: str
    public_key: str = field(repr=False)
    private_key: str = field(repr=False)
    gateway: str = ""
    authority: str = ""
    """A file with the certificate authority of a gateway of the lab's own."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A transaction: a sale, or a credit that gives one back. `state`: Braintree's word for it."""

    id: str = field(repr=False)
    state: str
    is_sale: bool
    order: str = field(default="", repr=False)
    amount: Decimal = field(default=Decimal(0), repr=False)
    currency: str = ""
    created: datetime = _NEVER
    refunds: tuple[str, ...] = field(default=(), repr=False)
    gives_back: str = field(default="", repr=False)
    """A credit: the id of the sale it gives back."""
    disputed: bool = False
    """A chargeback took the money back, and was not won."""
    customer: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    recurring: bool = False
    hopeless: bool = False
    """Declined for good: the bank says not to try again."""

    @property
    def money(self) -> Money:
        """MoneyError for a currency that isn't one of ours."""
        return Money(int(self.amount * 100), self.currency)


class Client:
    """One merchant at Braintree. Calls block up to PATIENCE and raise PaymentError."""

    def __init__(self, account: Account) -> None:
        self._merchant = account.merchant
        configuration = braintree.Configuration(
            _environment(account),
            account.merchant,
            account.public_key,
            account.private_key,
            http_strategy=_Wire,
            timeout=PATIENCE,
        )
        self._gateway = braintree.BraintreeGateway(configuration)

    def __repr__(self) -> str:
        return "<Braintree client>"

    def token(self, merchant_account: str) -> str:
        """A client token: what the buyer's browser needs to send her card to Braintree."""
        with _ours():
            return str(self._gateway.client_token.generate({"merchant_account_id": merchant_account}))

    def currency_of(self, merchant_account: str) -> str:
        """Which currency a merchant account is in; PaymentError when there is none of that name."""
        with _ours():
            found = self._gateway.merchant_account.find(merchant_account)
            return str(found.currency_iso_code)

    def sale(self, parameters: Mapping[str, Any]) -> Sale | None:
        """Charges. A declined sale is one too; None when the gateway took it for nonsense (a nonce used before)."""
        with _ours():
            result = self._gateway.transaction.sale(dict(parameters))
            return None if result.transaction is None else _sale(result.transaction)

    def find(self, transaction: str) -> Sale | None:
        """One transaction by its id."""
        with _ours():
            try:
                return _sale(self._gateway.transaction.find(transaction))
            except NotFoundError:
                return None

    def of_order(self, order: str) -> list[Sale]:
        """All sales for one order id, oldest first. Braintree's search is deaf to letters' case: compared here."""
        found = self._search(braintree.TransactionSearch.order_id == order)
        return [sale for sale in found if sale.is_sale and sale.order == order]

    def of_customer(self, customer: str, since: datetime) -> list[Sale]:
        """All sales to a customer of the vault since then, oldest first."""
        search = braintree.TransactionSearch
        found = self._search(search.customer_id == customer, search.created_at >= since.astimezone(UTC))
        return [sale for sale in found if sale.is_sale and sale.customer == customer]

    def since(self, moment: datetime) -> list[Sale]:
        """All transactions made since then, and those that were disputed since then, oldest first."""
        search = braintree.TransactionSearch
        found = {sale.id: sale for sale in self._search(search.created_at >= moment.astimezone(UTC))}
        found |= {sale.id: sale for sale in self._search(search.dispute_date >= moment.astimezone(UTC))}
        return sorted(found.values(), key=lambda sale: sale.created)

    def void(self, transaction: str) -> bool:
        """Stops a sale that is not settled yet."""
        with _ours():
            return bool(self._gateway.transaction.void(transaction).is_success)

    def refund(self, sale: Sale) -> bool:
        """Gives a settled sale back, whole. The key makes a second request of the same kind the first one."""
        with _ours():
            told = {"order_id": sale.order, "api_request_key": f"refund-{sale.id}"}
            return bool(self._gateway.transaction.refund(sale.id, told).is_success)

    def cards_of(self, customer: str) -> list[str] | None:
        """The tokens of a vaulted customer's cards; None when there is no such customer."""
        with _ours():
            try:
                return [str(card.token) for card in self._gateway.customer.find(customer).credit_cards]
            except NotFoundError:
                return None

    def customers(self) -> list[str]:
        """The ids of all customers in the vault."""
        with _ours():
            return [str(one) for one in self._gateway.customer.all().ids]

    def rename_card(self, token: str, wanted: str) -> None:
        """Gives a vaulted card another token."""
        with _ours():
            self._gateway.payment_method.update(token, {"token": wanted})

    def forget_card(self, token: str) -> None:
        """Takes a card out of the vault. Nothing when it isn't there."""
        with _ours():
            _unless_gone(lambda: self._gateway.payment_method.delete(token))

    def forget(self, customer: str) -> None:
        """Takes a customer and all her cards out of the vault. Nothing when there is none."""
        with _ours():
            _unless_gone(lambda: self._gateway.customer.delete(customer))

    def heard(self, signature: str, payload: str, now: datetime, most: float) -> Sale | None:
        """The transaction that a webhook is about, as the webhook tells it; None when it is about something else.

        ForgedError unless Braintree signed it for this merchant, at most `most` seconds ago. A webhook is no proof of
        what became of a transaction: ask again by `find`.
        """
        try:
            notification = self._gateway.webhook_notification.parse(signature, payload)
        except (InvalidSignatureError, *_NONSENSE):
            # What the SDK can't take apart was not made by its counterpart: it splits and decodes before it verifies.
            raise ForgedError(_FORGED) from None
        told = _moment(notification.timestamp)
        if notification.source_merchant_id not in (None, self._merchant) or abs((now - told).total_seconds()) > most:
            raise ForgedError(_FORGED)
        return _subject(notification)

    def _search(self, *terms: Any) -> list[Sale]:
        with _ours():
            found = [_sale(transaction) for transaction in self._gateway.transaction.search(*terms).items]
        return sorted(found, key=lambda sale: sale.created)


class _Wire:
    """The SDK's way to the gateway (its `http_strategy`)."""

    def __init__(self, configuration: Any, environment: Any) -> None:
        fence.hush("httpx", "httpcore")  # they would log what is asked
        self._context = ssl.create_default_context(cafile=environment.ssl_certificate)

    def http_do(self, verb: str, path: str, headers: Mapping[str, Any], body: str) -> list[Any]:
        """Status and text of the answer. Each question has a connection of its own: no pool keeps what was said."""
        plain = {name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}
        try:
            with httpx.Client(verify=self._context, trust_env=False, timeout=PATIENCE) as client:
                answer = client.request(verb, path, headers=plain, content=body.encode(), follow_redirects=False)
                return [answer.status_code, answer.text]
        finally:
            forget_addresses()


class _Own(braintree.Environment):  # type: ignore[misc]
    """A gateway of the lab's own. The SDK takes every port but 443 for plain HTTP: this one is always HTTPS."""

    protocol = "https://"


def _environment(account: Account) -> Any:
    if not account.gateway:
        return braintree.Environment.parse_environment(account.environment)
    url = httpx.URL(account.gateway)
    return _Own("own", url.host, str(url.port or 443), "", True, account.authority)


@contextmanager
def _ours() -> Iterator[None]:
    """Whatever goes wrong on the way or in the SDK is one sentence, with nothing of the gateway's answer on it."""
    try:
        yield
    except (braintree.exceptions.authentication_error.AuthenticationError, _NotAllowed):
        raise PaymentError(_REFUSED) from None
    except (BraintreeError, httpx.HTTPError, OSError, *_NONSENSE):
        raise PaymentError(_SILENT) from None


_NotAllowed = braintree.exceptions.authorization_error.AuthorizationError


def _unless_gone(act: Callable[[], object]) -> None:
    try:
        act()
    except NotFoundError:
        return


def _sale(transaction: Any) -> Sale:
    """A transaction of the SDK's, as much of it as we use: no card, no address, no name is even looked at."""
    customer = getattr(transaction, "customer_details", None)
    card = getattr(transaction, "credit_card_details", None)
    return Sale(
        id=str(transaction.id),
        state=str(transaction.status),
        is_sale=transaction.type == braintree.Transaction.Type.Sale,
        order=str(getattr(transaction, "order_id", None) or ""),
        amount=transaction.amount,
        currency=str(transaction.currency_iso_code),
        created=_moment(getattr(transaction, "created_at", None)),
        refunds=tuple(str(one) for one in getattr(transaction, "refund_ids", None) or ()),
        gives_back=str(getattr(transaction, "refunded_transaction_id", None) or ""),
        disputed=_disputed(getattr(transaction, "disputes", None) or ()),
        customer=str(getattr(customer, "id", None) or ""),
        token=str(getattr(card, "token", None) or ""),
        recurring=bool(getattr(transaction, "recurring", False)),
        hopeless=getattr(transaction, "processor_response_type", None) == "hard_declined",
    )


def _disputed(disputes: Iterable[Any]) -> bool:
    """A chargeback takes the money at once; a mere question (retrieval) doesn't."""
    return any(one.kind != braintree.Dispute.Kind.Retrieval and one.status != "won" for one in disputes)


def _moment(value: Any) -> datetime:
    """Braintree's times are UTC, and the SDK leaves them without a zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return _NEVER


def _subject(notification: Any) -> Sale | None:
    """The transaction that a notification names."""
    transaction = getattr(notification, "transaction", None)
    if transaction is not None:
        return _sale(transaction)
    dispute = getattr(notification, "dispute", None)
    if dispute is None:
        return None
    return Sale(str(dispute.transaction.id), "", is_sale=True)
