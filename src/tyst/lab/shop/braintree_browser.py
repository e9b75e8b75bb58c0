"""Braintree's fake, the browser's side: scripts and frames of the hosted fields, the client API, a page for a person.

The lab's, never imported by product code. On http://localhost, which browsers trust as they trust HTTPS. Paths are
Braintree's: `/web/VERSION/js/…`, `/web/VERSION/html/…`, `/merchants/ID/client_api/…`. Counterpart: `braintree.py`.
"""

import json
import re
from collections.abc import Mapping
from html import escape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tyst.lab.shop import braintree_vault
from tyst.lab.shop.braintree_vault import Card, Invalid, Unknown

if TYPE_CHECKING:
    from tyst.lab.shop.braintree import FakeBraintree

FILES = Path(__file__).parent / "fields"
_FILE = re.compile(r"/web/[\d.]+/(?:js|html)/([a-z-]+?)(?:\.min)?\.(js|html)")
_TYPES = {"js": "text/javascript", "html": "text/html; charset=utf-8"}
_NUMBER = re.compile(r"\d{12,19}")
CARDS = (
    (braintree_vault.GOOD_CARD, "pays"),
    (braintree_vault.SOFT_DECLINE, "is declined"),
    (braintree_vault.HARD_DECLINE, "is declined for good"),
    (braintree_vault.WITH_BANK, "pays; under 3-D Secure its bank asks first"),
)


class Browser(BaseHTTPRequestHandler):
    """What a buyer's browser meets."""

    fake: "FakeBraintree"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        named = _FILE.fullmatch(path)
        if path == "/":
            return self._answer(200, "text/html; charset=utf-8", self._page().encode())
        if named and (FILES / f"{named[1]}.{named[2]}").is_file():
            return self._answer(200, _TYPES[named[2]], (FILES / f"{named[1]}.{named[2]}").read_bytes())
        if path.endswith("/client_api/v1/configuration"):
            return self._json(
                200, {"clientApiUrl": self._api(), "assetsUrl": self.fake.fields, "environment": "sandbox"}
            )
        return self._json(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path.endswith("/payment_methods/credit_cards"):
            return self._tokenize(json.loads(body))
        if self.path.endswith("/three_d_secure/lookup"):
            told = json.loads(body)
            return self._json(201, {"nonce": self.fake.vault.checked(told["nonce"])})
        if self.path == "/press" and self.headers.get("Origin") == self.fake.fields:
            return self._press({name: values[0] for name, values in parse_qs(body).items()})
        return self._json(404, {})

    def do_OPTIONS(self) -> None:
        self._answer(204, "text/plain", b"")

    def _api(self) -> str:
        return f"{self.fake.fields}/merchants/lab_merchant/client_api"

    def _tokenize(self, told: Mapping[str, Any]) -> None:
        if told.get("authorizationFingerprint") != self.fake.fingerprint:
            return self._json(401, {"error": {"message": "Authorization failed"}})
        card = told["creditCard"]
        number = str(card.get("number", "")).replace(" ", "")
        if not _NUMBER.fullmatch(number):
            return self._json(422, {"error": {"message": "Credit card is invalid"}})
        month, _, year = str(card.get("expirationDate", "")).replace(" ", "").partition("/")
        nonce = self.fake.vault.tokenize(Card(number, month, year))
        shown = {"nonce": nonce, "type": "CreditCard", "details": {"bin": number[:6], "lastFour": number[-4:]}}
        return self._json(201, {"creditCards": [shown]})

    def _press(self, told: Mapping[str, str]) -> None:
        acts = {"settle": self.fake.settle, "charge back": self.fake.dispute, "void": self.fake.vault.void}
        try:
            acts[told["what"]](told["id"])
        except (KeyError, Invalid, Unknown):
            return self._json(404, {})
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def _page(self) -> str:
        cards = "".join(f"<tr><td><code>{number}</code><td>{what}" for number, what in CARDS)
        shown = (
            (one.id, one.type, f"{one.amount:.2f} {one.currency}", escape(one.status), _buttons(one.id))
            for one in self.fake.vault.transactions.values()
        )
        rows = "".join(f"<tr><td>{'<td>'.join(row)}" for row in shown)
        head = "<!doctype html><html lang=en><meta charset=utf-8><title>Braintree</title><h1>Braintree (fake)</h1>"
        hint = "<p>Type one of these cards into the shop's card page, any date to come, any three digits."
        return f"{head}{hint}<table>{cards}</table><h2>Transactions</h2><table>{rows}</table>"

    def _json(self, status: int, value: Any) -> None:
        self._answer(status, "application/json", json.dumps(value).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Content-Type")
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def _buttons(name: str) -> str:
    buttons = "".join(f"<button name=what value='{what}'>{what}</button>" for what in ("settle", "charge back", "void"))
    return f"<form method=post action=/press><input type=hidden name=id value={name}>{buttons}</form>"
