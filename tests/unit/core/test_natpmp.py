"""NAT-PMP's bytes, against RFC 6886."""

import struct
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from tyst.core.natpmp import (
    TCP,
    UDP,
    AskAddress,
    AskPort,
    Result,
    Unknown,
    address_answer,
    parse,
    port_answer,
    unknown_answer,
)

PORTS, SECONDS = st.integers(0, 65535), st.integers(0, 2**32 - 1)
ADDRESS = IPv4Address("192.0.2.20")


def test_the_examples_of_the_rfc() -> None:
    assert parse(bytes((0, 0))) == AskAddress()
    assert address_answer(Result.SUCCESS, 7, ADDRESS) == bytes((0, 128, 0, 0, 0, 0, 0, 7, 192, 0, 2, 20))
    request = bytes((0, 1, 0, 0)) + struct.pack("!HHI", 4000, 12345, 600)
    assert parse(request) == AskPort(UDP, 4000, 12345, 600)
    answer = port_answer(AskPort(TCP, 4000, 0, 600), Result.SUCCESS, 7, 12345, 600)
    assert answer == bytes((0, 130, 0, 0, 0, 0, 0, 7)) + struct.pack("!HHI", 4000, 12345, 600)


def test_without_an_address_there_are_zeros() -> None:
    assert address_answer(Result.NOT_AUTHORIZED, 7, None) == bytes((0, 128, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0))


@given(st.sampled_from([TCP, UDP]), PORTS, PORTS, SECONDS, st.binary(max_size=20))
def test_every_request_for_a_port_is_read_whatever_follows_it(
    protocol: int, internal: int, external: int, lifetime: int, rest: bytes
) -> None:
    head = bytes((0, 1 if protocol == UDP else 2, 0xFF, 0xFF))  # reserved bytes are ignored (section 3.3)
    asked = AskPort(protocol, internal, external, lifetime)
    assert parse(head + struct.pack("!HHI", internal, external, lifetime) + rest) == asked
    assert len(port_answer(asked, Result.SUCCESS, 0, external, lifetime)) == 16


@given(st.integers(128, 255), st.binary(max_size=20))
def test_answers_get_no_answer(opcode: int, rest: bytes) -> None:
    assert parse(bytes((0, opcode)) + rest) is None


@given(st.integers(3, 127), st.binary(min_size=2, max_size=1098))
def test_an_unknown_opcode_is_sent_back_whole(opcode: int, rest: bytes) -> None:
    asked = parse(bytes((0, opcode)) + rest)
    assert isinstance(asked, Unknown)
    answer = unknown_answer(asked)
    assert answer == bytes((0, 128 + opcode, 0, 5)) + rest[2:] and len(answer) == len(rest) + 2


@given(st.binary(max_size=1200))
def test_nothing_upsets_it_and_no_answer_is_much_longer_than_its_request(data: bytes) -> None:
    asked = parse(data)
    if isinstance(asked, Unknown):
        assert len(unknown_answer(asked)) == len(data)
    elif isinstance(asked, AskPort):
        assert len(data) >= 12
    else:
        assert asked is None or data[:2] == b"\0\0"
