"""VIES, when it is asked: only its plain 'no' about this number counts, and no trouble of its own stops a sale."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tyst.payments.config import ConfigError
from tyst.payments.vies import Vies, checked, load
from tyst.payments.wire import Wire

NUMBER = "DE136695976"
ASKED = {"countryCode": "DE", "vatNumber": "136695976"}


class Register:
    """Answers as VIES does, with what the test wants."""

    def __init__(self) -> None:
        register = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                register.heard.append((self.path, {**self.headers}, json.loads(body)))
                reply = register.says if isinstance(register.says, bytes) else json.dumps(register.says).encode()
                self.send_response(register.status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self.heard: list[Any] = []
        self.says: Any = {**ASKED, "valid": True}
        self.status = 200
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def vies(self) -> Vies:
        return Vies(Wire(f"http://127.0.0.1:{self.server.server_address[1]}/rest-api", "VIES"))


@pytest.fixture
def register() -> Iterator[Register]:
    one = Register()
    yield one
    one.server.shutdown()
    one.server.server_close()
    one.thread.join(5)


def test_it_is_asked_with_the_number_and_nothing_else(register: Register) -> None:
    assert checked("de 136 695 976", "de", register.vies()) == NUMBER
    ((path, headers, body),) = register.heard
    assert (path, body) == ("/rest-api/check-vat-number", ASKED)
    assert not {name.lower() for name in headers} & {"cookie", "referer", "authorization", "from", "x-forwarded-for"}


def test_its_no_makes_the_number_invalid(register: Register) -> None:
    for plain in ({**ASKED, "valid": False}, {**ASKED, "valid": False, "userError": "INVALID"}):
        register.says = plain
        assert checked(NUMBER, "de", register.vies()) is None
    assert checked(NUMBER, "de") == NUMBER, "without it the check digits decide"


@pytest.mark.parametrize(
    "says",
    [
        {"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]},
        {**ASKED, "valid": False, "userError": "MS_UNAVAILABLE"},
        {**ASKED, "valid": False, "userError": "IP_BLOCKED"},
        {"countryCode": "DE", "vatNumber": "999999999", "valid": False},
        {"valid": False},
        {**ASKED, "valid": None},
        {**ASKED, "valid": "false"},
        [],
        b"<html>",
        b"",
        b"{" * 100_000,
    ],
)
def test_trouble_of_its_own_stops_no_sale(register: Register, says: Any) -> None:
    register.says = says
    assert checked(NUMBER, "de", register.vies()) == NUMBER
    assert len(register.heard) == 1


@pytest.mark.parametrize("status", [400, 500, 503, 302, 404])
def test_an_error_is_no_denial(register: Register, status: int) -> None:
    register.status, register.says = status, {**ASKED, "valid": False}
    assert checked(NUMBER, "de", register.vies()) == NUMBER


def test_one_that_is_away_is_no_denial(register: Register) -> None:
    vies = register.vies()
    register.server.server_close()
    assert checked(NUMBER, "de", vies) == NUMBER


def test_a_number_with_a_wrong_digit_is_not_even_asked_for(register: Register) -> None:
    assert checked("DE136695977", "de", register.vies()) is None and register.heard == []


def test_it_is_asked_only_where_the_operator_said_so(tmp_path: Path) -> None:
    file = tmp_path / "payments.toml"
    assert load(tmp_path) is None
    for text, asks in (("", False), ('[vies]\nask = "no"\n', False), ('[vies]\nask = "yes"\n', True)):
        file.write_text(text)
        assert (load(tmp_path) is not None) == asks
    for text in ('[vies]\nask = "maybe"\n', "[vies]\n"):
        file.write_text(text)
        with pytest.raises(ConfigError, match='ask is "yes" or "no"'):
            load(tmp_path)
