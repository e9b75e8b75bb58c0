"""Swish as the merchant guide describes it: mutual TLS, payment requests and refunds, unsigned callbacks.

It holds what the real one holds: the payer's telephone number goes into answers and callbacks, so that tests can look
for it where it must not be. One exception for the lab: a callback address on loopback may be plain HTTP.
"""

import json
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tyst.lab.ca import Authority
from tyst.lab.shop.processor import Asked, Letter, Processor, Reply, write

NUMBER = "1231181189"
PAYER = "46712345678"
OPEN_FOR = timedelta(minutes=3)
_API = re.compile(r"/swish-cpcapi/api/(v1|v2)/(paymentrequests|refunds)/([0-9A-Za-z-]+)")
_IDENTITY = re.compile(r"[0-9A-F]{32}")
_MESSAGE = re.compile(r'[0-9A-Za-zåäöÅÄÖ :;.,?!()"]{0,50}')
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,2})?")
_CALLBACK = re.compile(r"https://\S+|http://(127\.0\.0\.1|localhost)[:/]\S*")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{32,36}")
_WORDS = {
    "AM02": "Amount value is too large",
    "AM03": "Invalid or missing Currency",
    "AM06": "Specified transaction amount is less than agreed minimum",
    "FF08": "PaymentReference is invalid",
    "PA01": "Parameter is not correct",
    "PA02": "Amount value is missing or not a valid number",
    "RF02": "Original Payment not found or original payment is more than 13 months old",
    "RF08": "Amount value is too large or amount exceeds the amount of the original payment minus any previous refunds",
    "RP01": "Missing Merchant Swish Number",
    "RP02": "Wrong formatted message",
    "RP03": "Callback URL is missing or does not use HTTPS",
    "RP07": "Payment Request already cancelled, paid or ended",
    "RP09": "InstructionUUID not available",
}
_ENDS = {
    "decline": ("DECLINED", "RF07", "Transaction declined"),
    "let it time out": ("ERROR", "TM01", "Swish timed out before the payment was started"),
    "cancel": ("CANCELLED", None, None),
}


@dataclass
class _Entry:
    """A payment request or a refund, as GET shows it; `identifier` goes into the callback's header."""

    shown: dict[str, Any]
    identifier: str
    since: datetime
    token: str = ""
    letter: Letter | None = None
    refunds: list[str] = field(default_factory=list)


class FakeSwish(Processor):
    """One Swish with one merchant, `NUMBER`."""

    title = "Swish (not the real one)"

    def __init__(self, folder: Path, now: Callable[[], datetime], authority: Authority | None = None) -> None:
        self._now, self._lock = now, threading.Lock()
        self.payments: dict[str, _Entry] = {}
        self.refunds: dict[str, _Entry] = {}
        self.refunds_fail = False
        self.site = ""
        super().__init__(folder, authority or Authority(), mutual=True)
        self.identify(NUMBER, folder)

    def identify(self, number: str, folder: Path, authority: Authority | None = None) -> None:
        """Writes a client certificate for a Swish number, as Certificate Management would issue it."""
        folder.mkdir(parents=True, exist_ok=True)
        issued = (authority or self.authority).issue([number], client=True)
        write(folder / "client.pem", issued.certificate)
        write(folder / "client.key", issued.key)

    def answers(self) -> dict[str, str]:
        """What the operator would answer at set-up."""
        files = {
            "certificate": str(self.folder / "client.pem"),
            "key": str(self.folder / "client.key"),
            "authority": str(self.folder / "authority.pem"),
        }
        return {"number": NUMBER, **files, "site": self.site, "server": self.base}

    def call_at(self, address: str) -> None:
        """The site's callback address (`…/pay/swish`): here only its beginning matters."""
        self.site = address.rstrip("/").removesuffix("/pay/swish")

    def api(self, asked: Asked) -> Reply:
        """The merchant's interface."""
        match = _API.fullmatch(asked.path)
        if match is None:
            return Reply(404)
        version, what, identity = match.groups()
        if asked.method == "PUT" and version == "v2":
            if asked.headers.get("content-type") != "application/json":
                return Reply(415)
            return self._put(what, identity, asked)
        if asked.method == "PATCH" and version == "v1" and what == "paymentrequests":
            return self._patch(identity, asked)
        if asked.method != "GET":
            return Reply(405)
        entry = (self.payments if what == "paymentrequests" else self.refunds).get(identity)
        return Reply(404) if entry is None else _json(200, self._shown(entry))

    def pay(self, identity: str) -> None:
        """The payer says yes in the app: the callback is posted."""
        entry = self._started(identity)
        now = _time(self._now())
        entry.shown |= {"status": "PAID", "paymentReference": secrets.token_hex(16).upper(), "datePaid": now}
        entry.shown["payerAlias"] = PAYER
        self._call(entry)

    def end(self, identity: str, button: str) -> None:
        """The payer says no, or nothing."""
        entry = self._started(identity)
        status, code, words = _ENDS[button]
        entry.shown |= {"status": status, "errorCode": code, "errorMessage": words, "payerAlias": PAYER}
        self._call(entry)

    def again(self, identity: str) -> None:
        """The callback once more, as after an answer that wasn't 200."""
        letter = self.payments[identity].letter
        if letter is not None:
            self.post(letter)

    def press(self, identity: str, button: str) -> None:
        """A person's buttons."""
        if button == "pay":
            self.pay(identity)
        elif button in _ENDS:
            self.end(identity, button)
        elif button == "call back again":
            self.again(identity)

    def buttons(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        """Newest first."""
        rows = []
        for identity, entry in reversed(self.payments.items()):
            status = self._shown(entry)["status"]
            open_ones = ("pay", *_ENDS) if status == "CREATED" else ("call back again",)
            says = f"{entry.shown['message']}: {entry.shown['amount']:.2f} SEK, {status}, QR text D{entry.token}"
            rows.append((identity, says, open_ones))
        return rows

    def by_token(self, token: str) -> str:
        """The request that an app would open by a token."""
        return next(identity for identity, entry in self.payments.items() if entry.token == token)

    def _put(self, what: str, identity: str, asked: Asked) -> Reply:
        try:
            body = json.loads(asked.body)
        except ValueError:
            return Reply(400)
        with self._lock:
            known = self.payments if what == "paymentrequests" else self.refunds
            faults = [] if _IDENTITY.fullmatch(identity) else ["PA01"]
            faults += ["RP09"] if identity in known else _faults(body)
            if what == "paymentrequests":
                return self._open(identity, body, faults, asked.who)
            return self._give_back(identity, body, faults, asked.who)

    def _open(self, identity: str, body: dict[str, Any], faults: list[str], who: str) -> Reply:
        if body.get("payeeAlias") != who:
            return _refused(["RP01"]) if not body.get("payeeAlias") else Reply(403, b'[{"errorCode":"PA01"}]')
        if faults:
            return _refused(faults)
        now = self._now()
        shown = {name: body.get(name) for name in ("payeePaymentReference", "callbackUrl", "payeeAlias", "currency")}
        shown |= {"id": identity, "status": "CREATED", "amount": float(body["amount"]), "message": body.get("message")}
        shown |= {"paymentReference": None, "payerAlias": None, "dateCreated": _time(now), "datePaid": None}
        shown |= {"errorCode": None, "errorMessage": None}
        token = "" if body.get("payerAlias") else secrets.token_urlsafe(24)
        self.payments[identity] = _Entry(shown, str(body.get("callbackIdentifier") or ""), now, token)
        location = {"Location": f"{self.base}/swish-cpcapi/api/v1/paymentrequests/{identity}"}
        return Reply(201, b"", location | ({"PaymentRequestToken": token} if token else {}))

    def _give_back(self, identity: str, body: dict[str, Any], faults: list[str], who: str) -> Reply:
        if body.get("payerAlias") != who:
            return Reply(403, b'[{"errorCode":"PA01"}]')
        if faults:
            return _refused(faults)
        original = body.get("originalPaymentReference")
        payment = next(
            (e for e in self.payments.values() if original and e.shown["paymentReference"] == original), None
        )
        if payment is None:
            return _refused(["RF02"])
        given = sum(self.refunds[one].shown["amount"] for one in payment.refunds if not self.refunds_fail)
        if given + float(body["amount"]) > payment.shown["amount"] + 0.001:
            return _refused(["RF08"])
        shown = {name: body.get(name) for name in ("originalPaymentReference", "callbackUrl", "payerAlias", "currency")}
        shown |= {"id": identity, "amount": float(body["amount"]), "message": body.get("message"), "payeeAlias": PAYER}
        shown |= {"status": "VALIDATED", "dateCreated": _time(self._now()), "datePaid": None}
        self.refunds[identity] = _Entry(shown, str(body.get("callbackIdentifier") or ""), self._now())
        if not self.refunds_fail:
            payment.refunds.append(identity)
        return Reply(201, b"", {"Location": f"{self.base}/swish-cpcapi/api/v1/refunds/{identity}"})

    def _patch(self, identity: str, asked: Asked) -> Reply:
        entry = self.payments.get(identity)
        wanted = [{"op": "replace", "path": "/status", "value": "cancelled"}]
        if asked.headers.get("content-type") != "application/json-patch+json" or json.loads(asked.body) != wanted:
            return Reply(400)
        if entry is None:
            return Reply(404)
        if self._shown(entry)["status"] != "CREATED":
            return _refused(["RP07"])
        entry.shown["status"] = "CANCELLED"
        return _json(200, entry.shown)

    def _shown(self, entry: _Entry) -> dict[str, Any]:
        """Time has its way: requests nobody started end, refunds are debited and then paid."""
        shown = entry.shown
        if shown["status"] == "CREATED" and self._now() - entry.since > OPEN_FOR:
            shown |= {"status": "ERROR", "errorCode": "TM01"}
        elif shown["status"] in ("VALIDATED", "DEBITED"):
            after = {"VALIDATED": "DEBITED", "DEBITED": "PAID"}
            answer = dict(shown)
            shown["status"] = "ERROR" if self.refunds_fail else after[shown["status"]]
            return answer
        return shown

    def _started(self, identity: str) -> _Entry:
        entry = self.payments[identity]
        if self._shown(entry)["status"] != "CREATED":
            raise ValueError("this request is over")
        return entry

    def _call(self, entry: _Entry) -> None:
        headers = {"Content-Type": "application/json"}
        if entry.identifier:
            headers["callbackIdentifier"] = entry.identifier
        body = json.dumps(entry.shown, ensure_ascii=False).encode()
        entry.letter = Letter(entry.shown["callbackUrl"], headers, body)
        self.post(entry.letter)


def _faults(body: dict[str, Any]) -> list[str]:
    """What Swish refuses, by its codes."""
    faults, amount = [], str(body.get("amount", ""))
    if not _CALLBACK.fullmatch(str(body.get("callbackUrl", ""))):
        faults.append("RP03")
    if body.get("currency") != "SEK":
        faults.append("AM03")
    if not _AMOUNT.fullmatch(amount):
        faults.append("PA02")
    elif float(amount) < 0.01:
        faults.append("AM06")
    if not _MESSAGE.fullmatch(str(body.get("message", ""))):
        faults.append("RP02")
    if not re.fullmatch(r"[0-9A-Za-z]{0,35}", str(body.get("payeePaymentReference") or "")):
        faults.append("FF08")
    identifier = body.get("callbackIdentifier")
    if identifier is not None and not _IDENTIFIER.fullmatch(str(identifier)):
        faults.append("PA01")
    return faults


def _refused(codes: Sequence[str]) -> Reply:
    said = [{"errorCode": code, "errorMessage": _WORDS[code], "additionalInformation": None} for code in codes]
    return _json(422, said)


def _json(status: int, body: object) -> Reply:
    return Reply(status, json.dumps(body, ensure_ascii=False).encode(), {"Content-Type": "application/json"})


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
