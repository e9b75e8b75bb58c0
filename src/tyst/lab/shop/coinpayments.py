"""CoinPayments as its documentation describes it: signed requests, invoices, signed webhooks for each step.

Its signatures are computed here anew, not by the product's code. As the real one it names its webhooks with a capital
first letter though the documentation doesn't, gives back by itself what is too much, and lets the merchant accept what
is too little.
"""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from tyst.lab.ca import Authority
from tyst.lab.shop.processor import Asked, Letter, Processor, Reply

CLIENT = "3f2a6d0c5b1e4f7a9c8d7e6f5a4b3c2d"
SECRET = "bGFiIHNlY3JldCBvZiBjb2lucGF5bWVudHM="
BUYER = "coin-buyer@example.test"
ADDRESS = "ltc1qbuyersaddress0000000000000000000000"
CURRENCIES = {"USD": "5057", "EUR": "5058", "SEK": "5059"}
OPEN_FOR = timedelta(minutes=60)
_RATE = 1234
"""Smallest units of the coin for a hundredth of any currency."""


@dataclass
class _Invoice:
    """An invoice; `asked` is the body that opened it."""

    id: str
    asked: dict[str, Any]
    since: datetime
    status: str = "unpaid"
    came: int = 0
    """What arrived, in the coin's smallest units."""
    given_back: int = 0
    last: bytes = b""

    @property
    def expected(self) -> int:
        return round(Fraction(self.asked["amount"]["total"]) * 100) * _RATE


class FakeCoinPayments(Processor):
    """One CoinPayments with one integration."""

    title = "CoinPayments (not the real one)"

    def __init__(self, folder: Path, now: Callable[[], datetime], authority: Authority | None = None) -> None:
        self._now = now
        self.invoices: dict[str, _Invoice] = {}
        self.site = ""
        super().__init__(folder, authority or Authority())

    def answers(self) -> dict[str, str]:
        """What the operator would answer at set-up."""
        authority = str(self.folder / "authority.pem")
        return {"client": CLIENT, "secret": SECRET, "site": self.site, "server": self.base, "authority": authority}

    def call_at(self, address: str) -> None:
        """The site's callback address (`…/pay/coinpayments`): here only its beginning matters."""
        self.site = address.rstrip("/").removesuffix("/pay/coinpayments")

    def api(self, asked: Asked) -> Reply:
        """The merchant's interface."""
        if asked.path == "/api/v1/currencies" and asked.method == "GET":
            return _json(200, {"items": [_currency(code) for code in CURRENCIES]})
        if not self._is_signed(asked):
            return _json(401, {"status": 401, "title": "Unauthorized"})
        if (asked.method, asked.path) == ("POST", "/api/v2/merchant/invoices"):
            return self._open(json.loads(asked.body))
        if (asked.method, asked.path) == ("GET", "/api/v1/merchant/invoices"):
            return self._list(asked)
        invoice = self.invoices.get(asked.path.removeprefix("/api/v2/merchant/invoices/"))
        if asked.method != "GET" or invoice is None:
            return _json(404, {"status": 404, "title": "Not Found"})
        return _json(200, self._details(invoice))

    def pay(self, identity: str, part: Fraction = Fraction(1)) -> None:
        """The buyer sends coins, and blocks are found. Less than all stays pending."""
        invoice = self.invoices[identity]
        if invoice.status != "unpaid":
            raise ValueError("this invoice is over")
        invoice.came = int(invoice.expected * part)
        self._become(invoice, "pending")
        if invoice.came >= invoice.expected:
            invoice.given_back = invoice.came - invoice.expected
            self.accept(identity)

    def accept(self, identity: str) -> None:
        """All confirmations are there, or the merchant takes what came."""
        for status in ("paid", "completed"):
            self._become(self.invoices[identity], status)

    def end(self, identity: str, status: str) -> None:
        """`cancelled` or `timedOut`; what came goes back."""
        invoice = self.invoices[identity]
        invoice.given_back = invoice.came
        self._become(invoice, status)

    def again(self, identity: str) -> None:
        """The last webhook once more, signed now."""
        invoice = self.invoices[identity]
        self.post(self._letter(invoice, invoice.last))

    def press(self, identity: str, button: str) -> None:
        """A person's buttons."""
        if button in ("pay", "pay half"):
            self.pay(identity, Fraction(1 if button == "pay" else Fraction(1, 2)))
        elif button == "accept what came":
            self.accept(identity)
        elif button in ("cancel", "let it time out"):
            self.end(identity, "cancelled" if button == "cancel" else "timedOut")
        elif button == "call back again":
            self.again(identity)

    def back(self, identity: str) -> str:
        """Where the invoice's opener wants her back."""
        return str(self.invoices[identity].asked["successUrl"])

    def buttons(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        """Newest first."""
        can = {
            "unpaid": ("pay", "pay half", "cancel", "let it time out"),
            "pending": ("accept what came", "let it time out"),
        }
        rows = []
        for identity, invoice in reversed(self.invoices.items()):
            says = (
                f"{invoice.asked['invoiceId']}: {invoice.asked['amount']['total']} {_code(invoice)}, {invoice.status}"
            )
            rows.append((identity, says, can.get(invoice.status, ("call back again",))))
        return rows

    def by_order(self, reference: str) -> str:
        """The invoice of a sealed order."""
        return next(one.id for one in self.invoices.values() if one.asked["customData"]["order"] == reference)

    def sign(
        self, url: str, body: bytes, moment: datetime, client: str = CLIENT, secret: str = SECRET
    ) -> dict[str, str]:
        """A webhook's headers."""
        time = moment.strftime("%Y-%m-%dT%H:%M:%S")
        signature = _signature(secret, "POST", url, client, time, body)
        return {
            "Content-Type": "application/json; charset=utf-8",
            "X-CoinPayments-Client": client,
            "X-CoinPayments-Timestamp": time,
            "X-CoinPayments-Signature": signature,
        }

    def _is_signed(self, asked: Asked) -> bool:
        query = "&".join(f"{name}={value}" for name, value in asked.query.items())
        url = self.base + asked.path + (f"?{query}" if query else "")
        time, client = asked.headers.get("x-coinpayments-timestamp", ""), asked.headers.get("x-coinpayments-client")
        wanted = _signature(SECRET, asked.method, url, CLIENT, time, asked.body)
        fresh = abs(datetime.fromisoformat(time + "+00:00") - self._now()) < timedelta(minutes=5)
        return client == CLIENT and asked.headers.get("x-coinpayments-signature") == wanted and fresh

    def _open(self, asked: dict[str, Any]) -> Reply:
        if asked["currency"] not in CURRENCIES.values() or asked["amount"]["total"] != asked["items"][0]["amount"]:
            return _json(400, {"status": 400, "title": "Bad Request"})
        invoice = _Invoice(str(uuid.uuid4()), asked, self._now())
        self.invoices[invoice.id] = invoice
        self._webhook(invoice, "InvoiceCreated")
        link = f"{self.page}?only={invoice.id}"
        return _json(201, {"invoices": [{"id": invoice.id, "link": link, "checkoutLink": link}]})

    def _list(self, asked: Asked) -> Reply:
        found = [one for one in reversed(self.invoices.values()) if asked.query.get("q", "") in one.asked["invoiceId"]]
        ids, after = [one.id for one in found], asked.query.get("after")
        first = ids.index(after) + 1 if after in ids else 0
        page = found[first : first + int(asked.query.get("limit", "20"))]
        more = first + len(page) < len(found)
        paging: dict[str, Any] = {"limit": len(page), "cursors": {"after": page[-1].id if page else None}}
        paging["next"] = f"{self.base}/api/v1/merchant/invoices?after={page[-1].id}" if more else None
        return _json(200, {"items": [self._summary(one) for one in page], "paging": paging})

    def _summary(self, invoice: _Invoice) -> dict[str, Any]:
        if invoice.status == "unpaid" and self._now() - invoice.since > OPEN_FOR:
            invoice.status = "timedOut"
        total = invoice.asked["amount"]["total"]
        money = {"currencyId": invoice.asked["currency"], "displayValue": total, "value": total.replace(".", "")}
        return {
            "id": invoice.id,
            "invoiceId": invoice.asked["invoiceId"],
            "created": invoice.since.isoformat(),
            "currency": _currency(_code(invoice)),
            "amount": money,
            "status": invoice.status,
            "notes": invoice.asked["notes"],
            "payments": self._payments(invoice),
            "partialAcceptAvailable": invoice.status == "pending" and invoice.came < invoice.expected,
        }

    def _details(self, invoice: _Invoice) -> dict[str, Any]:
        more = {"amount": invoice.asked["amount"], "customData": invoice.asked["customData"]}
        return self._summary(invoice) | more | {"buyer": {"emailAddress": BUYER}}

    def _payments(self, invoice: _Invoice) -> list[dict[str, Any]]:
        if not invoice.came:
            return []
        coin = {"currencyId": "1002", "currencySymbol": "LTCT"}
        amounts = {"expectedAmount": invoice.expected, "actualAmount": invoice.came}
        shown: dict[str, Any] = {name: coin | {"value": str(value)} for name, value in amounts.items()}
        return [shown | {"paymentAddress": ADDRESS, "refundEmail": BUYER, "isActive": True}]

    def _become(self, invoice: _Invoice, status: str) -> None:
        invoice.status = status
        self._webhook(invoice, "Invoice" + status[0].upper() + status[1:])

    def _webhook(self, invoice: _Invoice, kind: str) -> None:
        inside = {
            "id": invoice.id,
            "invoiceId": invoice.asked["invoiceId"],
            "state": invoice.status,
            "customData": invoice.asked["customData"],
            "notes": invoice.asked["notes"],
            "amount": {"currencyId": invoice.asked["currency"], "total": invoice.asked["amount"]["total"]},
            "buyer": {"email": BUYER},
            "payments": [{"refundEmail": BUYER, "hotWallet": {"paymentReceiveAddress": ADDRESS}}],
        }
        said = {"id": str(uuid.uuid4()), "type": kind, "timestamp": self._now().isoformat(), "invoice": inside}
        invoice.last = json.dumps(said).encode()
        self.post(self._letter(invoice, invoice.last))

    def _letter(self, invoice: _Invoice, body: bytes) -> Letter:
        url = invoice.asked["webhooks"][0]["notificationsUrl"]
        return Letter(url, self.sign(url, body, self._now()), body)


def other_secret() -> str:
    """Somebody else's client secret."""
    return secrets.token_urlsafe(32)


def _code(invoice: _Invoice) -> str:
    return next(code for code, identity in CURRENCIES.items() if identity == invoice.asked["currency"])


def _currency(code: str) -> dict[str, str]:
    return {"id": CURRENCIES[code], "type": "fiat", "symbol": code}


def _signature(secret: str, method: str, url: str, client: str, time: str, body: bytes) -> str:
    message = b"\xef\xbb\xbf" + (method + url + client + time).encode() + body
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def _json(status: int, body: object) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
