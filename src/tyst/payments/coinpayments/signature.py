"""CoinPayments' signature: the same on our requests and on its webhooks. Pure.

Base64 of HMAC-SHA256 under the client secret over: U+FEFF, the method, the whole address, the client id, the time (UTC,
YYYY-MM-DDTHH:MM:SS), and the body, with nothing between them (a-docs.coinpayments.net/api/auth). So a signature is
bound to one address, one time and one body.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

CLIENT, TIME, SIGNATURE = "x-coinpayments-client", "x-coinpayments-timestamp", "x-coinpayments-signature"
WINDOW = timedelta(minutes=5)
"""How far a webhook's time may be from ours, to either side."""


def sign(secret: bytes, method: str, url: str, client: str, time: str, body: bytes) -> str:
    """The signature, as text for the header."""
    message = _bytes(f"\ufeff{method}{url}{client}{time}") + body
    return base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()


def headers(secret: bytes, method: str, url: str, client: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a request."""
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {CLIENT: client, TIME: time, SIGNATURE: sign(secret, method, url, client, time, body)}


def is_true(secret: bytes, url: str, client: str, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a webhook's headers (names in small letters) were made with our secret, for this address, lately."""
    time = given.get(TIME, "")
    expected = sign(secret, "POST", url, client, time, body)
    whose = hmac.compare_digest(_bytes(given.get(CLIENT, "")), _bytes(client))
    signed = hmac.compare_digest(_bytes(given.get(SIGNATURE, "")), _bytes(expected))
    return whose and signed and _is_fresh(time, now)


def _bytes(text: str) -> bytes:
    """UTF-8, and a question mark for what isn't a character: headers are anybody's."""
    return text.encode("utf-8", "replace")


def _is_fresh(time: str, now: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return False
    return abs(now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))) <= WINDOW
