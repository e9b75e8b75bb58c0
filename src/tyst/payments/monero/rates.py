"""What one XMR is worth, from where the operator says: a file that she keeps fresh, or an address that she names.

There is no source by default: whom to trust with the price, and whom to tell that somebody looks at it, is hers to
choose. A rate comes with its time and is refused when it is older than an hour. Written as JSON, decimals as text or
numbers: `{"time": "2026-11-24T12:00:00Z", "EUR": "150.25", "SEK": "1650.10", "USD": "171.30"}`; names in any case,
`last_updated_at` (seconds since 1970) in place of `time`, and one object around it are understood too, as public
price services write them. Never a float.
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx

from tyst.core.account import CURRENCIES
from tyst.payments.provider import PaymentError
from tyst.quiet import fence

OLDEST = timedelta(hours=1)
_AHEAD = timedelta(minutes=5)
KEPT = timedelta(minutes=10)
"""An address is asked at most this often: it shall not count our buyers."""
PATIENCE = 8.0
_MOST_BYTES = 1 << 16
_WRONG = "the XMR rate can't be read: docs/operate/payments-monero.md shows its form"


class Rates:
    """`source`: a path, or an address (https; http on this machine only)."""

    def __init__(self, source: str, now: Callable[[], datetime]) -> None:
        self._source, self._now = source, now
        self._lock = threading.Lock()
        fence.hush("httpx", "httpcore")  # they would log what is asked
        self._kept: tuple[datetime, bytes] | None = None

    def __repr__(self) -> str:
        return "Rates()"

    def rate(self, currency: str) -> Fraction:
        """Hundredths of the currency for one XMR. PaymentError: no source, no sense, too old."""
        table = _table(self._text())
        if not -_AHEAD <= self._now() - _time(table) <= OLDEST:
            raise PaymentError("the XMR rate is older than an hour")
        return _hundredths(table, currency)

    def _text(self) -> bytes:
        if not self._source.startswith(("https://", "http://")):
            try:
                return Path(self._source).read_bytes()[:_MOST_BYTES]
            except OSError:
                raise PaymentError("the file with the XMR rate can't be read") from None
        with self._lock:
            now = self._now()
            if self._kept is None or not timedelta() <= now - self._kept[0] < KEPT:
                self._kept = now, self._fetched()
            return self._kept[1]

    def _fetched(self) -> bytes:
        try:
            with httpx.Client(trust_env=False, follow_redirects=False, timeout=PATIENCE) as http:
                answer = http.get(self._source, headers={"accept": "application/json", "user-agent": "tyst"})
        except (httpx.HTTPError, httpx.InvalidURL):
            raise PaymentError("the source of the XMR rate can't be reached") from None
        if answer.status_code != httpx.codes.OK or len(answer.content) > _MOST_BYTES:
            raise PaymentError(_WRONG)
        return answer.content


def _table(text: bytes) -> Mapping[str, Any]:
    """Names in small letters."""
    try:
        table = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise PaymentError(_WRONG) from None
    if isinstance(table, dict) and len(table) == 1:
        (table,) = table.values()
    if not isinstance(table, dict):
        raise PaymentError(_WRONG)
    return {name.lower(): value for name, value in table.items()}


def _time(table: Mapping[str, Any]) -> datetime:
    given = table.get("time", table.get("last_updated_at"))
    try:
        if isinstance(given, str):
            moment = datetime.fromisoformat(given)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(int(given), UTC) if given is not None else datetime.min.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        raise PaymentError(_WRONG) from None


def _hundredths(table: Mapping[str, Any], currency: str) -> Fraction:
    if currency not in CURRENCIES:
        raise PaymentError("there is no XMR rate for this currency")
    try:
        value = Decimal(str(table[currency.lower()]))
    except (KeyError, InvalidOperation):
        raise PaymentError("there is no XMR rate for this currency") from None
    if not (value.is_finite() and Decimal("0.01") <= value <= Decimal(10**7)):
        raise PaymentError(_WRONG)
    return Fraction(value) * 100
