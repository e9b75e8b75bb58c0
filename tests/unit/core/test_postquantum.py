"""Both halves of the exchange: they agree, and on nothing else than what both said."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tyst.core.postquantum import ANSWER_BYTES, ASK_BYTES, Exchange, ExchangeError, answer, read_ask

DEVICE, NODE = b"d" * 32, b"n" * 32
SEED = bytes(range(64))


def exchange(number: int = 7, seed: bytes = SEED) -> Exchange:
    return Exchange(seed, number, device=DEVICE, node=NODE)


def test_alice_and_the_node_agree_and_no_two_exchanges_give_the_same() -> None:
    keys = set()
    for _ in range(3):
        alice = exchange(seed=os.urandom(64))
        said, theirs = answer(read_ask(alice.message), device=DEVICE, node=NODE)
        assert alice.finish(said) == theirs and len(theirs) == 32
        keys.add(theirs)
    assert len(keys) == 3


def test_each_message_fits_one_datagram_inside_a_tunnel() -> None:
    assert ASK_BYTES == len(exchange().message) == 1200
    assert ANSWER_BYTES == 1120 and 40 + 8 + ASK_BYTES <= 1280


@pytest.mark.parametrize("words", [{"device": b"x" * 32, "node": NODE}, {"device": DEVICE, "node": b"x" * 32}])
def test_another_pair_of_wireguard_keys_agrees_on_nothing(words: dict[str, bytes]) -> None:
    alice = exchange()
    said, _ = answer(read_ask(alice.message), **words)
    with pytest.raises(ExchangeError):
        alice.finish(said)


def test_an_answer_to_another_exchange_is_refused() -> None:
    said, _ = answer(read_ask(exchange(6).message), device=DEVICE, node=NODE)
    with pytest.raises(ExchangeError):
        exchange(7).finish(said)


@settings(max_examples=40)
@given(st.integers(0, ANSWER_BYTES * 8 - 1))
def test_one_bit_of_the_answer_changed_is_refused(bit: int) -> None:
    alice = exchange()
    said, _ = answer(read_ask(alice.message), device=DEVICE, node=NODE)
    harmed = bytearray(said)
    harmed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ExchangeError):
        alice.finish(bytes(harmed))


@given(st.one_of(st.binary(max_size=64), st.binary(min_size=ASK_BYTES, max_size=ASK_BYTES)))
def test_noise_is_no_question(noise: bytes) -> None:
    with pytest.raises(ExchangeError):
        read_ask(noise)
    good = exchange().message
    with pytest.raises(ExchangeError):
        read_ask(good[:4] + b"\1" + good[5:])


def test_a_key_that_is_no_key_gets_no_answer() -> None:
    ask = read_ask(exchange().message[:16] + b"\xff" * 1184)
    with pytest.raises(ExchangeError):
        answer(ask, device=DEVICE, node=NODE)


def test_no_key_is_in_a_repr() -> None:
    ask = read_ask(exchange().message)
    assert ask.key[:8].hex() not in repr(ask) and str(ask.key[:4])[2:-1] not in repr(ask)
