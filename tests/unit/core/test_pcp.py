"""PCP's bytes, against RFC 6887."""

import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.pcp import Announce, Map, Result, Wrong, announce_answer, error_answer, map_answer, mapped, parse

ALICE, EXIT, NONCE = IPv4Address("10.16.0.9"), IPv4Address("192.0.2.20"), b"alices nonce"
PREFER_FAILURE = bytes((2, 0, 0, 0))


def head(opcode: int = 1, lifetime: int = 600, version: int = 2, client: IPv4Address = ALICE) -> bytes:
    return struct.pack("!BBHI", version, opcode, 0, lifetime) + bytes(10) + b"\xff\xff" + client.packed


def body(internal: int = 4000, external: int = 0, protocol: int = 6, address: bytes = bytes(16)) -> bytes:
    return NONCE + struct.pack("!B3xHH", protocol, internal, external) + address


def test_a_request_for_a_port_is_read() -> None:
    data = head() + body(4000, 12345, address=bytes(10) + b"\xff\xff" + EXIT.packed) + PREFER_FAILURE
    assert parse(data, ALICE) == Map(data, NONCE, 6, 4000, 12345, EXIT, 600, True)


@pytest.mark.parametrize("address", [bytes(16), mapped(IPv4Address(0)), bytes(15) + b"\1"])
def test_no_address_of_ours_is_no_wish(address: bytes) -> None:
    asked = parse(head() + body(address=address), ALICE)
    assert isinstance(asked, Map) and asked.address is None and not asked.exactly


def test_the_answer_has_its_fields_where_the_rfc_has_them() -> None:
    data = head() + body()
    asked = parse(data, ALICE)
    assert isinstance(asked, Map)
    answer = map_answer(asked, 7, 12345, EXIT, 600)
    assert answer[:24] == bytes((2, 0x81, 0, 0)) + struct.pack("!II", 600, 7) + bytes(12)
    assert answer[24:] == body(4000, 12345, address=mapped(EXIT)) and len(answer) == len(data)


def test_an_announcement_is_answered_with_the_epoch() -> None:
    data = head(0, 0)
    assert parse(data, ALICE) == Announce(data)
    assert announce_answer(Announce(data), 7) == bytes((2, 0x80, 0, 0)) + struct.pack("!II", 0, 7) + bytes(12)


@pytest.mark.parametrize(
    ("data", "result"),
    [
        (head(version=1) + body(), Result.UNSUPP_VERSION),
        (head()[:20], Result.MALFORMED_REQUEST),
        (head() + body() + b"\0\0", Result.MALFORMED_REQUEST),
        (head() + bytes(1100), Result.MALFORMED_REQUEST),
        (head() + body()[:32], Result.MALFORMED_REQUEST),
        (head() + body(protocol=0), Result.MALFORMED_REQUEST),
        (head(2) + body(), Result.UNSUPP_OPCODE),
        (head(client=EXIT) + body(), Result.ADDRESS_MISMATCH),
        (head() + body() + bytes((1, 0, 0, 16)) + mapped(EXIT), Result.UNSUPP_OPTION),
        (head() + body() + bytes((3, 0, 0, 20)) + bytes(20), Result.UNSUPP_OPTION),
        (head() + body() + PREFER_FAILURE * 2, Result.MALFORMED_OPTION),
        (head() + body() + bytes((2, 0, 0, 4)) + bytes(4), Result.MALFORMED_OPTION),
        (head() + body() + bytes((200, 0, 0, 9)), Result.MALFORMED_OPTION),
    ],
)
def test_what_is_wrong_is_said(data: bytes, result: Result) -> None:
    assert parse(data, ALICE) == Wrong(data, result)
    answer = error_answer(data, result, 7)
    assert answer[:4] == bytes((2, 0x80 | data[1], 0, result)) and answer[4:12] == struct.pack("!II", 1800, 7)
    assert len(answer) % 4 == 0 and len(answer) <= max(24, min(len(data), 1100))


def test_an_option_that_may_be_ignored_is() -> None:
    asked = parse(head() + body() + bytes((200, 0, 0, 5)) + bytes(8), ALICE)
    assert isinstance(asked, Map)


@given(st.binary(max_size=3) | st.binary(max_size=60).map(lambda rest: bytes((2, 0x81)) + rest))
def test_answers_and_scraps_get_no_answer(data: bytes) -> None:
    assert parse(data, ALICE) is None or not data[1] & 0x80


@given(st.binary(max_size=1200), st.booleans())
def test_nothing_upsets_it_and_no_answer_is_longer_than_its_request(rest: bytes, good: bool) -> None:
    data = head() + body() + rest if good else rest
    asked = parse(data, ALICE)
    if isinstance(asked, Map):
        assert len(map_answer(asked, 7, 1, EXIT, 1)) <= len(data)
        assert len(error_answer(data, Result.USER_EX_QUOTA, 7)) == len(data)
    elif isinstance(asked, Wrong):
        assert len(error_answer(data, asked.result, 7)) <= max(24, len(data))


def test_an_error_that_passes_is_believed_for_half_a_minute() -> None:
    data = head() + body()
    assert error_answer(data, Result.USER_EX_QUOTA, 0)[4:8] == struct.pack("!I", 30)
