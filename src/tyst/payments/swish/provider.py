"""Orders paid by Swish.

A payment request's id is a hash of the sealed order and of how often it was opened, so that callback, return page,
cookie and sweep can all ask for it and no table is needed. The sealed order itself (151 characters; Swish's reference
has room for 35) rides in the callback address. A callback is not signed: it must carry the identifier that we gave
Swish for this one order, and then it is only a reason to ask Swish, whose answer counts. Of what Swish answers only
status, amount, currency and payment reference are looked at: the payer's number goes no further than the bytes it came
in. Wire: `client.py`.
"""

import hashlib
import hmac
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509

from tyst.core.money import Money, MoneyError, from_wire
from tyst.core.order import Order
from tyst.core.refund import Refund
from tyst.payments.config import ConfigError
from tyst.payments.provider import Callback, Checkout, Event, ForgedError, PaymentError, What
from tyst.payments.sweeping import one_by_one
from tyst.payments.swish.client import Client, TwiceError, identified
from tyst.payments.swish.setup import SERVER
from tyst.payments.wire import from_json, text

OPEN_FOR = timedelta(minutes=3)
"""How long the app shows a request (Swish: three minutes)."""
REMEMBERED = timedelta(hours=1)
MOST_OPEN = 10_000
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{100,200}")
_REFUND_PATH = re.compile(r"refund/([0-9A-F]{32})")
_MESSAGE = re.compile(r'[0-9A-Za-zåäöÅÄÖ :;.,?!()"]{1,50}')
_NUMBER = re.compile(r"123\d{7}")
_ENDS = {"DECLINED", "ERROR", "CANCELLED"}
_ATTEMPTS = 5
_REFUND_TRIES, _REFUND_PAUSE = 6, 0.5


class Swish:
    """Swish, for one merchant."""

    name = "swish"
    renews = False

    def __init__(
        self, client: Client, secret: bytes, message: str, site: str, now: Callable[[], datetime], ends: datetime
    ) -> None:
        self._client, self._message, self._now, self._ends = client, message, now, ends
        self._stamp = _Stamp(secret)
        self._open = _Open()
        self._callback = f"{site.rstrip('/')}/pay/swish/" if site else ""

    def offers(self, order: Order) -> bool:
        """Kronor, in Sweden."""
        return order.total.currency == "SEK" and order.country == "se"

    def begin(self, order: Order, reference: str, *, back: str, callback: str) -> Checkout:
        """A QR code for another device's camera, and a link for the app on this one. Again: the same one while it can
        be paid, then a new one."""
        self._callback = callback.rstrip("/") + "/"
        now = self._now()
        token = self._open.token(reference, now)
        if token is None:
            token = self._opened(order, reference)
            self._open.add(reference, token, now)
        link = f"swish://paymentrequest?token={token}&callbackurl={quote(back, safe='')}"
        return Checkout("qr", url=link, qr=f"D{token}", until=now + OPEN_FOR)

    def pay(self, order: Order, reference: str, posted: Mapping[str, str]) -> Event:
        """Nothing is posted to us: the app pays."""
        raise PaymentError("Swish is paid in its app")

    def hear(self, callback: Callback) -> Sequence[Event]:
        """The callback proves nothing: who knows the identifier makes us ask Swish, and Swish's answer is told."""
        self._prove(callback)
        if _REFUND_PATH.fullmatch(callback.path):
            return ()
        reference, identity = callback.path, text(_body(callback), "id")
        if identity not in _ids(reference):
            raise ForgedError("this callback is about another payment than its address")
        event = self._read_back(identity, callback)
        return () if event is None else (event,)

    def look(self, order: Order, reference: str) -> Event | None:
        """Asks Swish for the requests whose ids follow from the sealed order."""
        return self._found(reference)

    def sweep(self, now: datetime) -> Iterable[Event]:
        """Asks about the requests that this process has open. Others are found by their buyers' return pages."""
        return one_by_one(self._open.all(now), self._found, "Swish can't be asked about all open payments now")

    def refund(self, refund: Refund) -> bool:
        """All of it, to where it came from. Its id follows from the payment's, so that it is given once however often
        it is asked; after one that failed the next id is tried."""
        for attempt in range(_ATTEMPTS):
            identity = _digest("refund", f"{refund.payment} {attempt}")
            status = text(self._client.refund(identity), "status")
            if status == "ERROR":
                continue
            if not status:
                self._give_back(identity, refund)
            return self._given(identity)
        raise PaymentError("Swish could not give the money back, in several tries: ask Swish")

    def stop(self, mandate: str) -> None:
        """There are none."""

    def has_mandate(self, mandate: str) -> bool:
        """Swish is asked for each payment."""
        return False

    def check(self) -> str:
        """Opens a request for one krona and takes it back: certificate, number and address are right."""
        identity = uuid.uuid4().hex.upper()
        address = (self._callback or "https://localhost/") + "check"
        self._client.open(
            identity, amount="1.00", message=self._message, callback=address, identifier=self._stamp.of(identity)
        )
        self._client.cancel(identity)
        return f"Swish accepts our certificate and number; the certificate is valid until {self._ends:%Y-%m-%d}."

    def _prove(self, callback: Callback) -> None:
        """ForgedError unless the callback carries what we gave Swish for this very address."""
        path = callback.path
        if not (_REFERENCE.fullmatch(path) or _REFUND_PATH.fullmatch(path)):
            raise ForgedError("this is no address of ours")
        given = callback.headers.get("callbackidentifier", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._stamp.of(path).encode()):
            raise ForgedError("this callback does not carry its identifier")

    def _opened(self, order: Order, reference: str) -> str:
        """The token of a new request. One that is open already, but whose token is lost, is taken back first."""
        for identity in _ids(reference):
            try:
                return self._client.open(
                    identity,
                    amount=order.total.wire(),
                    message=self._message,
                    callback=self._callback + reference,
                    identifier=self._stamp.of(reference),
                ).token
            except TwiceError:
                self._end_one(identity)
        raise PaymentError("this order was opened too often: begin a new one")

    def _end_one(self, identity: str) -> None:
        """Makes sure that a request can't be paid any more, before another one is opened."""
        status = text(self._client.payment(identity), "status")
        if status == "PAID":
            raise PaymentError("this order is paid already")
        if status not in _ENDS:
            self._client.cancel(identity)

    def _found(self, reference: str) -> Event | None:
        """What became of an order: of its requests the paid one counts, or the newest."""
        event: Event | None = None
        for identity in _ids(reference):
            known = self._client.payment(identity)
            if known is None:
                break
            event = self._told(reference, known)
            if event is None or event.what is What.PAID:
                break
        if event is not None:
            self._open.drop(reference)
        return event

    def _read_back(self, identity: str, callback: Callback) -> Event | None:
        """What Swish itself says of it."""
        event = self._told(callback.path, self._client.payment(identity))
        if event is not None and event.what is What.PAID:
            self._open.drop(callback.path)
        return event

    def _told(self, reference: str, known: dict[str, Any] | None) -> Event | None:
        """A request's state as an event; None while it is open. PaymentError for one that isn't ours."""
        status = text(known, "status")
        if known is None or status not in ("PAID", *_ENDS):
            return None
        if status != "PAID":
            return Event(What.FAILED, reference)
        if text(known, "payeeAlias") != self._client.number or not text(known, "callbackUrl").endswith("/" + reference):
            raise PaymentError("Swish told of a payment that isn't this one")
        payment = text(known, "paymentReference")
        if not re.fullmatch(r"[0-9A-Za-z-]{1,64}", payment):
            raise PaymentError("Swish told of a payment without its reference")
        return Event(What.PAID, reference, _amount(known), payment)

    def _give_back(self, identity: str, refund: Refund) -> None:
        if not self._callback:
            raise PaymentError("the site's address is missing in the set-up of Swish")
        path = f"refund/{identity}"
        amount, callback, stamp = refund.total.wire(), self._callback + path, self._stamp.of(path)
        with suppress(TwiceError):
            self._client.give_back(
                identity,
                payment=refund.payment,
                amount=amount,
                message=self._message,
                callback=callback,
                identifier=stamp,
            )

    def _given(self, identity: str) -> bool:
        """Waits until the refund has left our account. PaymentError when it failed or takes longer: ask again."""
        for attempt in range(_REFUND_TRIES):
            status = text(self._client.refund(identity), "status")
            if status in ("DEBITED", "PAID"):
                return True
            if status == "ERROR":
                raise PaymentError("Swish could not give the money back: is there enough on the account?")
            if attempt + 1 < _REFUND_TRIES:
                time.sleep(_REFUND_PAUSE)
        raise PaymentError("Swish has not yet given the money back: ask again in a minute")


class _Stamp:
    """The identifier that Swish must send along with a callback: a keyed hash of its path, never the same twice."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"tyst swish callback" + secret).digest()

    def of(self, path: str) -> str:
        """32 hexadecimal digits."""
        return hmac.new(self._key, path.encode(), hashlib.sha256).hexdigest()[:32]


class _Open:
    """Requests that this process opened and has not seen the end of: in RAM alone, an hour at most. Any thread's."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def add(self, reference: str, token: str, now: datetime) -> None:
        with self._lock:
            self._clear(now)
            while len(self._known) >= MOST_OPEN:
                self._known.pop(next(iter(self._known)))
            self._known[reference] = token, now

    def token(self, reference: str, now: datetime) -> str | None:
        """The token of a request that can still be paid."""
        with self._lock:
            token, since = self._known.get(reference, ("", now - REMEMBERED))
        return token if now - since < OPEN_FOR else None

    def all(self, now: datetime) -> list[str]:
        """The references; forgets those that are too old."""
        with self._lock:
            self._clear(now)
            return list(self._known)

    def drop(self, reference: str) -> None:
        with self._lock:
            self._known.pop(reference, None)

    def _clear(self, now: datetime) -> None:
        for reference in [one for one, (_, since) in self._known.items() if now - since >= REMEMBERED]:
            del self._known[reference]


def request_id(reference: str, attempt: int = 0) -> str:
    """The id of an order's payment request. `attempt`: how often it was opened before."""
    return _digest("request", f"{reference} {attempt}")


def _ids(reference: str) -> list[str]:
    """All ids that an order's requests may have, the first one first."""
    return [request_id(reference, attempt) for attempt in range(_ATTEMPTS)]


def build(answers: Mapping[str, str], state: Path, now: Callable[[], datetime]) -> Swish:
    """The provider from the operator's answers. Files are looked up from the state folder. ConfigError."""
    number, message = answers["number"], answers.get("message") or "Tyst"
    if not _NUMBER.fullmatch(number) or not _MESSAGE.fullmatch(message):
        raise ConfigError("a Swish number is ten digits that start with 123, and a message at most 50 plain letters")
    certificate, key = state / answers["certificate"], state / answers["key"]
    authority = answers.get("authority")
    try:
        context = identified(certificate, key, state / authority if authority else None)
        secret, ends = key.read_bytes(), x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        raise ConfigError("the Swish certificate or its key can't be read: check the files named at set-up") from None
    client = Client(answers.get("server") or SERVER, number, context)
    return Swish(client, secret, message, answers.get("site", ""), now, ends)


def _digest(what: str, value: str) -> str:
    """32 hexadecimal digits in capitals."""
    return hashlib.sha256(f"tyst swish {what} {value}".encode()).hexdigest()[:32].upper()


def _body(callback: Callback) -> Any:
    try:
        return from_json(callback.body, "Swish")
    except PaymentError:
        raise ForgedError("this callback is not JSON") from None


def _amount(known: dict[str, Any]) -> Money:
    """What was paid. PaymentError when it isn't an amount of ours."""
    try:
        return from_wire(text(known, "amount"), text(known, "currency"))
    except MoneyError:
        raise PaymentError("Swish told of an amount that isn't one") from None
