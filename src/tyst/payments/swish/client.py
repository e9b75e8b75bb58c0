"""Swish's wire, as the merchant guide and developer.swish.nu describe it: JSON over mutual TLS.

`PUT v2/paymentrequests/<32 hexadecimal digits, capitals>` answers 201 with `PaymentRequestToken`; `GET v1/…` reads it
back; refunds likewise. Refusals are 422 with a list of codes. Knows no orders: that is `provider.py`.
"""

import json
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tyst.payments.provider import PaymentError
from tyst.payments.wire import Answer, Wire, text

_API = "/swish-cpcapi/api"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_JSON = {"content-type": "application/json"}
_WHO = "Swish"
REASONS = {
    "ACMT01": "the Swish number is not active",
    "ACMT07": "the Swish number is not enrolled",
    "AM02": "the amount is too large",
    "AM03": "the currency is not SEK",
    "AM06": "the amount is too small",
    "PA01": "the Swish number is not the certificate's",
    "PA02": "the amount is not one",
    "RF02": "the payment is not known any more",
    "RF08": "more would be given back than was paid",
    "RF09": "a refund of this payment is under way",
    "RP01": "the Swish number is missing",
    "RP02": "the message has letters that Swish does not take",
    "RP03": "the callback address is not HTTPS",
    "RP09": "this payment was opened before",
}
"""Refusals, in our words. Every other code is told without one."""


class TwiceError(PaymentError):
    """This id was used before: what it stands for exists."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A payment request's token, for the app."""

    token: str = field(repr=False)


class Client:
    """One merchant at Swish. `number`: ours; who we are, the certificate says."""

    def __init__(self, base: str, number: str, context: ssl.SSLContext) -> None:
        self.number = number
        self.wire = Wire(base, _WHO, context)

    def open(self, identity: str, *, amount: str, message: str, callback: str, identifier: str) -> Opened:
        """Opens a payment request without a payer's number: whoever has the token can pay it."""
        body = {
            "callbackUrl": callback,
            "callbackIdentifier": identifier,
            "payeeAlias": self.number,
            "amount": amount,
            "currency": "SEK",
            "message": message,
        }
        answer = self._put(f"/v2/paymentrequests/{identity}", body)
        token = answer.headers.get("PaymentRequestToken", "")
        if not _TOKEN.fullmatch(token):
            raise PaymentError("Swish opened a payment without a token for the app")
        return Opened(token)

    def payment(self, identity: str) -> dict[str, Any] | None:
        """What Swish knows of a payment request; None when it doesn't know it."""
        return self._get(f"/v1/paymentrequests/{identity}")

    def cancel(self, identity: str) -> None:
        """Takes an open payment request back."""
        change = [{"op": "replace", "path": "/status", "value": "cancelled"}]
        headers = {"content-type": "application/json-patch+json"}
        path = f"{_API}/v1/paymentrequests/{identity}"
        _expect(self.wire.ask("PATCH", path, body=_bytes(change), headers=headers), 200)

    def give_back(
        self, identity: str, *, payment: str, amount: str, message: str, callback: str, identifier: str
    ) -> None:
        """Asks for a refund of (part of) a payment. `payment`: its paymentReference. TwiceError when it was asked."""
        body = {
            "originalPaymentReference": payment,
            "callbackUrl": callback,
            "callbackIdentifier": identifier,
            "payerAlias": self.number,
            "amount": amount,
            "currency": "SEK",
            "message": message,
        }
        self._put(f"/v2/refunds/{identity}", body)

    def refund(self, identity: str) -> dict[str, Any] | None:
        """What Swish knows of a refund."""
        return self._get(f"/v1/refunds/{identity}")

    def _put(self, path: str, body: object) -> Answer:
        answer = self.wire.ask("PUT", _API + path, body=_bytes(body), headers=_JSON)
        _expect(answer, 201)
        return answer

    def _get(self, path: str) -> dict[str, Any] | None:
        answer = self.wire.ask("GET", _API + path)
        if answer.status == 404:
            return None
        _expect(answer, 200)
        known = answer.json(_WHO)
        if not isinstance(known, dict):
            raise PaymentError("Swish said something that makes no sense")
        return known


def identified(certificate: Path, key: Path, authority: Path | None) -> ssl.SSLContext:
    """TLS that shows our certificate. OSError (ssl's too) or ValueError when a file can't be used."""
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    context.load_cert_chain(certificate, key, password=lambda: b"")
    return context


def _bytes(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _expect(answer: Answer, status: int) -> None:
    """PaymentError, in our words, unless the answer has this status."""
    if answer.status == status:
        return
    if answer.status in (401, 403):
        raise PaymentError("Swish does not accept our certificate, or the Swish number is not the certificate's")
    if answer.status != 422:
        raise PaymentError("Swish can't do it now")
    said = answer.json(_WHO)
    codes = [text(one, "errorCode") for one in said] if isinstance(said, list) else []
    if "RP09" in codes:
        raise TwiceError("this was asked of Swish before")
    reason = next((REASONS[code] for code in codes if code in REASONS), "it gives no reason that we know")
    raise PaymentError(f"Swish refused: {reason}")
