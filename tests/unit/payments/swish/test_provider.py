"""What Swish's answers mean, what its callbacks must carry, and what is held in RAM: without a network."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tyst.core.money import Money
from tyst.payments.provider import Callback, ForgedError, PaymentError, What
from tyst.payments.swish import client as wire
from tyst.payments.swish import provider
from tyst.payments.swish.client import Client
from tyst.payments.swish.provider import Swish, request_id
from tyst.payments.wire import Answer

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REFERENCE = "r" * 151
NUMBER = "1231181189"


@cache
def swish() -> Swish:
    client = Client("https://localhost", NUMBER, ssl.create_default_context())
    return Swish(client, b"our private key", "Tyst", "https://tyst.test", lambda: NOW, NOW)


def known(**changes: Any) -> dict[str, Any]:
    """A paid request, as `payments.wire` reads it: numbers are text."""
    told: dict[str, Any] = {"status": "PAID", "amount": "590.00", "currency": "SEK", "payeeAlias": NUMBER}
    told |= {"paymentReference": "1E2FC19E5E5E4E18916609B7F8911C12", "payerAlias": "46712345678"}
    return told | {"callbackUrl": f"https://tyst.test/pay/swish/{REFERENCE}"} | changes


def test_a_paid_request_is_told_with_amount_and_reference_and_nothing_of_the_payer() -> None:
    event = swish()._told(REFERENCE, known())
    assert event is not None
    assert (event.what, event.paid) == (What.PAID, Money(59000, "SEK"))
    assert event.payment == "1E2FC19E5E5E4E18916609B7F8911C12"
    assert "46712345678" not in str([getattr(event, name) for name in event.__slots__])


@pytest.mark.parametrize(
    "changes",
    [
        {"payeeAlias": "1239999999"},
        {"callbackUrl": "https://tyst.test/pay/swish/another"},
        {"callbackUrl": None},
        {"amount": "590.001"},
        {"amount": None},
        {"currency": "NOK"},
        {"paymentReference": None},
        {"paymentReference": "a" * 65},
    ],
)
def test_a_payment_that_is_not_this_one_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(PaymentError):
        swish()._told(REFERENCE, known(**changes))


@pytest.mark.parametrize(
    ("status", "what"),
    [("CREATED", None), ("DECLINED", What.FAILED), ("ERROR", What.FAILED), ("CANCELLED", What.FAILED), ("", None)],
)
def test_each_state_means_one_thing(status: str, what: What | None) -> None:
    event = swish()._told(REFERENCE, known(status=status))
    assert (event and event.what) == what


def test_a_requests_id_follows_from_the_order_and_is_what_swish_takes() -> None:
    identity = request_id(REFERENCE)
    assert identity == request_id(REFERENCE) != request_id(REFERENCE + "x")
    assert len(identity) == 32 and set(identity) <= set("0123456789ABCDEF")


@settings(max_examples=200, deadline=None)
@given(given=st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_guess_is_a_callbacks_identifier(given: str) -> None:
    one = swish()
    if given != one._stamp.of(REFERENCE):
        with pytest.raises(ForgedError):
            one._prove(Callback(REFERENCE, {"callbackidentifier": given}, b"{}"))


@settings(max_examples=100, deadline=None)
@given(other=st.text(alphabet="abcXYZ019-_", min_size=100, max_size=160), secret=st.binary(max_size=40))
def test_an_identifier_is_for_one_address_and_one_merchant(other: str, secret: bytes) -> None:
    one = swish()
    mine = one._stamp.of(REFERENCE)
    one._prove(Callback(REFERENCE, {"callbackidentifier": mine}, b"{}"))
    assert len(mine) == 32 and mine.isalnum()
    with pytest.raises(ForgedError):
        one._prove(Callback(other, {"callbackidentifier": mine}, b"{}"))
    assert secret == b"our private key" or provider._Stamp(secret).of(REFERENCE) != mine


def test_open_requests_are_forgotten_after_an_hour_and_are_never_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "MOST_OPEN", 3)
    book = provider._Open()
    for number in range(5):
        book.add(f"order {number}", "token", NOW + timedelta(seconds=number))
    assert list(book.all(NOW)) == ["order 2", "order 3", "order 4"]
    assert book.token("order 4", NOW + timedelta(minutes=2)) == "token"
    assert book.token("order 4", NOW + timedelta(minutes=4)) is None
    assert list(book.all(NOW + timedelta(hours=1, seconds=3))) == ["order 4"]


def test_many_buyers_open_and_end_at_once() -> None:
    book = provider._Open()

    def buyer(number: int) -> int:
        for turn in range(300):
            book.add(f"{number} {turn}", "token", NOW)
            assert f"{number} {turn}" in book.all(NOW)
            book.drop(f"{number} {turn}")
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(buyer, range(8))) == list(range(8))
    assert book.all(NOW) == []


def answers(*codes: str) -> Answer:
    said = ",".join(f'{{"errorCode":"{code}","errorMessage":"call 46712345678"}}' for code in codes)
    return Answer(422, {}, f"[{said}]".encode())


@pytest.mark.parametrize("code", sorted(wire.REASONS))
def test_each_refusal_is_a_sentence_of_ours(code: str) -> None:
    with pytest.raises(PaymentError) as raised:
        wire._expect(answers(code), 201)
    assert "46712345678" not in str(raised.value)
    assert isinstance(raised.value, wire.TwiceError) == (code == "RP09")


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=60), status=st.sampled_from((400, 401, 403, 404, 415, 422, 429, 500, 504)))
def test_whatever_a_refusal_says_nothing_of_it_is_repeated(body: bytes, status: int) -> None:
    with pytest.raises(PaymentError) as raised:
        wire._expect(Answer(status, {}, body), 201)
    told = body.decode("utf-8", "replace")
    assert len(told) < 6 or told not in str(raised.value)
