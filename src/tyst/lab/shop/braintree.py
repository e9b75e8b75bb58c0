"""Braintree's fake: its gateway over real TLS for the unmodified SDK, and on a second address what browsers load.

The lab's, never imported by product code. The gateway (https) speaks XML, gzipped, behind the merchant's keys. The
browser's side (http on localhost, so that a person needs no certificate) has scripts and frames of the hosted fields,
the client API that turns a card into a nonce, and a page where a person settles, charges back or refunds. Webhooks are
signed as Braintree signs them and posted to `call_at`'s address. Counterparts: `braintree_vault.py` (what the gateway
knows), `braintree_wire.py` (how it writes), `fields/` (the scripts).
"""

import base64
import contextlib
import gzip
import json
import secrets
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from braintree.util.xml_util import XmlUtil

from tyst.lab.ca import Authority
from tyst.lab.shop import braintree_browser, braintree_wire
from tyst.lab.shop.braintree_vault import Invalid, Transaction, Unknown, Vault

MERCHANT = "lab_merchant"
ACCOUNTS = {"tyst_eur": "EUR", "tyst_sek": "SEK", "tyst_usd": "USD"}
PAGE_SIZE = 2
"""Of a search: small, so that paging is used. Braintree's is 50."""


class FakeBraintree:
    """One merchant at Braintree. `now`: its clock. `trouble`: "", or how the gateway misbehaves."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.vault = Vault(ACCOUNTS, now)
        self.public_key, self.private_key = secrets.token_hex(8), secrets.token_hex(16)
        self.fingerprint = secrets.token_hex(16)
        self.trouble = ""
        self.heard: list[tuple[str, str, str]] = []
        """What the gateway was asked: verb, path, body."""
        self._callback = ""
        self._folder = Path(tempfile.mkdtemp(prefix="tyst-braintree-"))
        self._servers = [self._serve(_Gateway, self._context()), self._serve(braintree_browser.Browser, None)]
        self.gateway = f"https://localhost:{self._servers[0].server_address[1]}"
        self.fields = f"http://localhost:{self._servers[1].server_address[1]}"
        self.page = f"{self.fields}/"

    def answers(self, **changes: str) -> dict[str, str]:
        """What the operator would tell the wizard."""
        where = f"{self.gateway} {self.fields} {self._folder / 'ca.pem'}"
        told = {"environment": where, "merchant_id": MERCHANT, "public_key": self.public_key}
        told |= {"private_key": self.private_key, "three_d_secure": "no"}
        return told | {f"account_{currency.lower()}": name for name, currency in ACCOUNTS.items()} | changes

    def call_at(self, address: str) -> None:
        """Where webhooks are posted."""
        self._callback = address

    def close(self) -> None:
        """Stops both servers."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "FakeBraintree":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settle(self, name: str) -> None:
        """The sale settles and is disbursed; Braintree tells."""
        one = self.vault.settle(name)
        self.tell("transaction_disbursed", one)

    def dispute(self, name: str, kind: str = "chargeback") -> None:
        """The buyer's bank takes the money back; Braintree tells."""
        made = self.vault.dispute(name, kind)
        self.post(self.webhook("dispute_opened", ("dispute", braintree_wire.dispute(self.vault.find(name), made))))

    def tell(self, kind: str, one: Transaction) -> None:
        """Posts a webhook about a transaction."""
        self.post(self.webhook(kind, ("transaction", braintree_wire.transaction(one))))

    def webhook(self, kind: str, subject: tuple[str, Any], when: datetime | None = None) -> bytes:
        """A webhook's body, signed."""
        payload = braintree_wire.notification(kind, subject, when or self.now())
        return braintree_wire.form(payload, self.public_key, self.private_key)

    def post(self, body: bytes) -> None:
        """Delivers a webhook. Nobody home is Braintree's trouble: it would try again, and a sweep finds it."""
        if not self._callback:
            return
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            httpx.post(self._callback, content=body, headers=headers, trust_env=False, timeout=10, verify=False)  # nosec B501
        except httpx.HTTPError:
            return

    def client_token(self) -> str:
        """What `POST /client_token` answers: version 2, base64 of JSON."""
        told = {
            "version": 2,
            "authorizationFingerprint": self.fingerprint,
            "configUrl": f"{self.fields}/merchants/{MERCHANT}/client_api/v1/configuration",
            "clientApiUrl": f"{self.fields}/merchants/{MERCHANT}/client_api",
            "assetsUrl": self.fields,
            "merchantId": MERCHANT,
            "environment": "sandbox",
        }
        return base64.b64encode(json.dumps(told).encode()).decode()

    def _context(self) -> ssl.SSLContext:
        authority = Authority()
        issued = authority.issue(["localhost"])
        (self._folder / "ca.pem").write_text(authority.certificate)
        chain = self._folder / "gateway.pem"
        chain.write_text(issued.key + issued.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        chain.unlink()
        return context

    def _serve(self, handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None) -> ThreadingHTTPServer:
        bound = type(handler.__name__, (handler,), {"fake": self})
        server = _Server(("127.0.0.1", 0), bound)
        server.context = context
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    """TLS is shaken in the connection's own thread, so that a client that hangs up hurts nobody else."""

    daemon_threads = True
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            if self.context is None:
                super().finish_request(request, client_address)
                return
            request.settimeout(30)
            with self.context.wrap_socket(request, server_side=True) as inside:
                self._open.add(inside)
                super().finish_request(inside, client_address)
                self._open.discard(inside)
        except OSError:
            return

    def server_activate(self) -> None:
        self._open: set[Any] = set()
        super().server_activate()

    def server_close(self) -> None:
        """Hangs up on those who keep a connection."""
        super().server_close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Gateway(BaseHTTPRequestHandler):
    """The merchant's API, version 6."""

    fake: FakeBraintree
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.fake.heard.append((self.command, self.path, body))
        if self.fake.trouble:
            return self._misbehave()
        if not self._is_known():
            return self._answer(401, b"")
        told = XmlUtil.dict_from_xml(body) if body.strip() else {}
        try:
            with self.fake.vault.lock:
                status, answer = self._route(self.path.split("?")[0].split("/")[3:], told)
        except Unknown:
            status, answer = 404, b""
        except Invalid as fault:
            status, answer = 422, braintree_wire.errors(fault)
        return self._answer(status, answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _is_known(self) -> bool:
        keys = base64.b64encode(f"{self.fake.public_key}:{self.fake.private_key}".encode()).decode()
        version, merchant = self.headers.get("X-ApiVersion"), self.path.split("/")[2]
        return self.headers.get("Authorization") == f"Basic {keys}" and (version, merchant) == ("6", MERCHANT)

    def _route(self, path: list[str], told: Mapping[str, Any]) -> tuple[int, bytes]:
        match self.command, path:
            case "POST", ["client_token"]:
                return 201, braintree_wire.document("client_token", {"value": self.fake.client_token()})
            case "GET", ["merchant_accounts", name] if name in ACCOUNTS:
                shown = {"id": name, "currency_iso_code": ACCOUNTS[name], "status": "active", "default": False}
                return 200, braintree_wire.document("merchant_account", shown)
            case _, ["transactions", *rest]:
                return self._transactions(rest, told)
            case "POST", ["customers", "advanced_search_ids"]:
                told = {"page_size": PAGE_SIZE, "ids": sorted(self.fake.vault.customers)}
                return 200, braintree_wire.document("search_results", told)
            case _, ["customers", name]:
                return self._customers(name)
            case "DELETE", ["payment_methods", "any", token]:
                return self._forget(token)
            case "PUT", ["payment_methods", "any", token]:
                shown = braintree_wire.card(self.fake.vault.rename(token, told["payment_method"]["token"]), token)
                return 200, braintree_wire.document("credit_card", shown)
        raise Unknown

    def _transactions(self, path: list[str], told: Mapping[str, Any]) -> tuple[int, bytes]:
        vault = self.fake.vault
        match self.command, path:
            case "POST", []:
                return self._sale(told["transaction"])
            case "GET", [name]:
                return 200, _shown(vault.find(name))
            case "PUT", [name, "void"]:
                return 200, _shown(vault.void(name))
            case "POST", [name, "refund"]:
                return 201, _shown(vault.refund(name, told.get("transaction") or {}))
            case "POST", ["advanced_search_ids"]:
                return 200, _page(self._found(told.get("search") or {}))
            case "POST", ["advanced_search"]:
                pairs = [("transaction", braintree_wire.transaction(one)) for one in self._found(told["search"])]
                inside = "".join(braintree_wire.element(*pair) for pair in pairs)
                named = "credit-card-transactions"
                return 200, f'<{named} type="collection">{inside}</{named}>'.encode()
        raise Unknown

    def _sale(self, told: Mapping[str, Any]) -> tuple[int, bytes]:
        made = self.fake.vault.sale(told)
        if made.status in ("processor_declined", "gateway_rejected"):
            words = "Gateway Rejected" if made.rejected else made.answer[1]
            return 422, braintree_wire.errors(Invalid("", "", words), made)
        return 201, _shown(made)

    def _found(self, search: Mapping[str, Any]) -> list[Transaction]:
        """Newest first, as Braintree lists them."""
        found = [one for one in self.fake.vault.transactions.values() if _matches(one, search)]
        return sorted(found, key=lambda one: one.created, reverse=True)

    def _customers(self, name: str) -> tuple[int, bytes]:
        customers = self.fake.vault.customers
        if name not in customers or self.command not in ("GET", "DELETE"):
            raise Unknown
        if self.command == "DELETE":
            del customers[name]
            return 200, b""
        return 200, braintree_wire.document("customer", braintree_wire.customer(name, customers[name]))

    def _forget(self, token: str) -> tuple[int, bytes]:
        for cards in self.fake.vault.customers.values():
            if cards.pop(token, None):
                return 200, b""
        raise Unknown

    def _misbehave(self) -> None:
        match self.fake.trouble:
            case "slow":
                threading.Event().wait(2)
                self.close_connection = True
            case "garbage":
                self._answer(200, b"\x00\xffGARBLED <<<< lab_garbage")
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b"<transaction><id>lab_garbage")
                self.close_connection = True
            case _:
                self._answer(500, b"<html>lab_garbage</html>")

    def _answer(self, status: int, body: bytes) -> None:
        packed = gzip.compress(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/xml; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def _shown(one: Transaction) -> bytes:
    return braintree_wire.document("transaction", braintree_wire.transaction(one))


def _page(found: list[Transaction]) -> bytes:
    told = {"page_size": PAGE_SIZE, "ids": [one.id for one in found]}
    return braintree_wire.document("search_results", told)


def _matches(one: Transaction, search: Mapping[str, Any]) -> bool:
    """Text is compared without letters' case, as Braintree's search does."""
    texts = {"order_id": one.order, "customer_id": one.customer}
    for name, wanted in search.items():
        if name == "ids" and one.id not in wanted:
            return False
        if name in texts and texts[name].lower() != str(wanted["is"]).lower():
            return False
        if name == "created_at" and one.created.replace(microsecond=0) < _utc(wanted["min"]):
            return False
        if name == "dispute_date" and not any(made["opened"] >= _utc(wanted["min"]) for made in one.disputes):
            return False
    return True


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
