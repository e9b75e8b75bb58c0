"""CoinPayments' signature: what is true stays true, and whatever Mallory changes makes it false."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tyst.payments.coinpayments.signature import CLIENT, SIGNATURE, TIME, WINDOW, headers, is_true, sign

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SECRET, WHO, URL = b"a client secret", "3f2a6d0c", "https://tyst.test/pay/coinpayments/sealed"
text = st.text(st.characters(exclude_categories=()), max_size=60)
"""Whatever a header may hold, halves of characters too."""


def test_the_message_is_what_the_documentation_concatenates() -> None:
    message = b"\xef\xbb\xbf" + b"POST" + URL.encode() + WHO.encode() + b"2026-11-24T12:00:00" + b'{"a":1}'
    expected = base64.b64encode(hmac.digest(SECRET, message, hashlib.sha256)).decode()
    assert headers(SECRET, "POST", URL, WHO, NOW, b'{"a":1}') == {
        CLIENT: WHO,
        TIME: "2026-11-24T12:00:00",
        SIGNATURE: expected,
    }


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), seconds=st.integers(-300, 300))
def test_a_true_webhook_is_taken_within_five_minutes(body: bytes, seconds: int) -> None:
    made = headers(SECRET, "POST", URL, WHO, NOW, body)
    assert is_true(SECRET, URL, WHO, made, body, NOW + timedelta(seconds=seconds))


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), seconds=st.integers(301, 10**8), sign_of=st.sampled_from((-1, 1)))
def test_an_old_or_early_webhook_is_refused(body: bytes, seconds: int, sign_of: int) -> None:
    made = headers(SECRET, "POST", URL, WHO, NOW, body)
    assert not is_true(SECRET, URL, WHO, made, body, NOW + sign_of * timedelta(seconds=seconds))


@settings(max_examples=150, deadline=None)
@given(body=st.binary(min_size=1, max_size=120), place=st.integers(0, 119), bit=st.integers(0, 7))
def test_one_flipped_bit_of_the_body_makes_it_false(body: bytes, place: int, bit: int) -> None:
    made = headers(SECRET, "POST", URL, WHO, NOW, body)
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit
    assert not is_true(SECRET, URL, WHO, made, bytes(changed), NOW)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from((CLIENT, TIME, SIGNATURE)), value=text)
def test_no_header_can_be_anything_else(name: str, value: str) -> None:
    made = headers(SECRET, "POST", URL, WHO, NOW, b"{}")
    if value != made[name]:
        assert not is_true(SECRET, URL, WHO, made | {name: value}, b"{}", NOW)


@settings(max_examples=100, deadline=None)
@given(url=text, client=text, secret=st.binary(max_size=40))
def test_it_is_bound_to_address_account_and_secret(url: str, client: str, secret: bytes) -> None:
    made = headers(SECRET, "POST", URL, WHO, NOW, b"{}")
    assert url == URL or not is_true(SECRET, url, WHO, made, b"{}", NOW)
    assert client == WHO or not is_true(SECRET, URL, client, made, b"{}", NOW)
    assert secret == SECRET or not is_true(secret, URL, WHO, made, b"{}", NOW)


def test_missing_and_doubled_headers_are_false() -> None:
    made = headers(SECRET, "POST", URL, WHO, NOW, b"{}")
    assert not is_true(SECRET, URL, WHO, {}, b"{}", NOW)
    for name in made:
        assert not is_true(SECRET, URL, WHO, {key: made[key] for key in made if key != name}, b"{}", NOW)
        assert not is_true(SECRET, URL, WHO, made | {name: f"{made[name]}, {made[name]}"}, b"{}", NOW)


def test_our_own_requests_can_not_be_sent_back_to_us_as_a_webhook() -> None:
    made = headers(SECRET, "GET", URL, WHO, NOW, b"")
    assert not is_true(SECRET, URL, WHO, made, b"", NOW)


@given(time=text)
def test_a_time_that_is_none_is_false_even_when_signed(time: str) -> None:
    made = {CLIENT: WHO, TIME: time, SIGNATURE: sign(SECRET, "POST", URL, WHO, time, b"{}")}
    try:
        moment = datetime.fromisoformat(time)
        fresh = abs(moment.replace(tzinfo=moment.tzinfo or UTC) - NOW) <= WINDOW
    except ValueError:
        fresh = False
    assert is_true(SECRET, URL, WHO, made, b"{}", NOW) == fresh
