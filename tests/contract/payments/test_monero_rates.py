"""The rate of XMR from an address: asked seldom, never followed elsewhere, and nothing of its answer in an error."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tyst.payments.monero.rates import KEPT, Rates
from tyst.payments.provider import PaymentError


class Source:
    """Somebody's price service on loopback. `status`, `body`: what it answers."""

    def __init__(self) -> None:
        self.status, self.asked = 200, list[str]()
        self.body = b"{}"
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append(str(self.headers))
                self.send_response(source.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(source.body)))
                self.end_headers()
                self.wfile.write(source.body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self.says(150)
        self.rates = Rates(f"http://127.0.0.1:{self.server.server_address[1]}/", lambda: self.now)

    def says(self, euros: int) -> None:
        self.body = json.dumps({"time": self.now.isoformat(), "EUR": str(euros)}).encode()


@pytest.fixture
def source() -> Iterator[Source]:
    one = Source()
    yield one
    one.server.shutdown()
    one.server.server_close()


def test_it_is_asked_at_most_every_ten_minutes_however_many_look(source: Source) -> None:
    assert [source.rates.rate("EUR") for _ in range(5)] == [Fraction(15000)] * 5
    assert len(source.asked) == 1
    source.now += KEPT
    source.says(160)
    assert source.rates.rate("EUR") == Fraction(16000) and len(source.asked) == 2


def test_it_hears_nothing_of_us(source: Source) -> None:
    source.rates.rate("EUR")
    names = {line.partition(":")[0].lower() for line in source.asked[0].strip().splitlines()}
    assert names <= {"host", "accept", "accept-encoding", "connection", "user-agent"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_no_answer_is_a_sentence_of_ours(source: Source, status: int) -> None:
    source.status, source.body = status, b"somebody's secret"
    with pytest.raises(PaymentError) as raised:
        source.rates.rate("EUR")
    assert "secret" not in str(raised.value) and len(source.asked) == 1


def test_when_it_is_down_there_is_no_price(source: Source) -> None:
    source.server.shutdown()
    source.server.server_close()
    with pytest.raises(PaymentError, match="can't be reached"):
        source.rates.rate("EUR")


def test_an_old_answer_counts_no_longer_than_an_hour(source: Source) -> None:
    source.now += timedelta(hours=1, seconds=1)
    with pytest.raises(PaymentError, match="older"):
        source.rates.rate("EUR")
