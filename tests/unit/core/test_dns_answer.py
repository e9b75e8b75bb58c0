"""The streaming relay's reading of DNS: a chain of aliases becomes one set of addresses."""

import contextlib
from ipaddress import ip_address

import pytest
from dnslib import AAAA, CNAME, QTYPE, RR, A, DNSHeader, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.dns_answer import (
    LONGEST_TTL,
    MOST_ADDRESSES,
    Answer,
    MalformedError,
    answer_of,
    asked,
    number_of,
    question_of,
    renumbered,
    reply,
)


def answered(name: str, kind: str, *records: RR, code: int = 0) -> bytes:
    """An answer as a resolver makes it, compressed."""
    made = DNSRecord(DNSHeader(id=9, qr=1, ra=1, rcode=code), q=DNSRecord.question(name, kind).q)
    made.add_answer(*records)
    return bytes(made.pack())


def record(name: str, kind: str, data: object, ttl: int = 60) -> RR:
    return RR(name, getattr(QTYPE, kind), ttl=ttl, rdata=data)


FILM = question_of(DNSRecord.question("www.film.test").pack())
FILM6 = question_of(DNSRecord.question("www.film.test", "AAAA").pack())


def test_the_addresses_at_the_end_of_a_chain_are_given_under_the_name_that_was_asked() -> None:
    chain = [
        record("www.film.test", "CNAME", CNAME("edge.cdn.test"), 20),
        record("edge.cdn.test", "A", A("192.0.2.7"), 900),
    ]
    found = answer_of(answered("www.film.test", "A", *chain), FILM)
    assert found == Answer(0, 20, (ip_address("192.0.2.7"),)), "good for as long as the shortest link"
    said = DNSRecord.parse(reply(FILM, found))
    assert [(str(one.rname), str(one.rdata), one.ttl) for one in said.rr] == [("www.film.test.", "192.0.2.7", 20)]
    assert said.header.id == FILM.number and said.q.qname == "www.film.test"


def test_ipv6_and_a_lifetime_that_is_bounded() -> None:
    found = answer_of(
        answered("www.film.test", "AAAA", record("www.film.test", "AAAA", AAAA("2001:db8::7"), 86400)), FILM6
    )
    assert found == Answer(0, LONGEST_TTL, (ip_address("2001:db8::7"),))
    assert str(DNSRecord.parse(reply(FILM6, found)).rr[0].rdata) == "2001:db8::7"


def test_nothing_is_answered_with_how_long_that_is_so() -> None:
    for code in (0, 2, 3):
        said = DNSRecord.parse(reply(FILM, answer_of(answered("www.film.test", "A", code=code), FILM)))
        assert said.header.rcode == code and not said.rr and len(said.auth) == 1


def test_a_question_travels_under_another_number_with_room_for_its_answer() -> None:
    sent = DNSRecord.parse(asked(FILM, 77))
    assert sent.header.id == 77 and sent.header.rd and sent.q.qname == "www.film.test" and sent.ar[0].edns_len == 65000
    assert number_of(renumbered(asked(FILM, 77), 78)) == 78


def test_an_answer_to_another_question_is_none() -> None:
    with pytest.raises(MalformedError):
        answer_of(answered("other.test", "A", record("other.test", "A", A("192.0.2.7"))), FILM)


def test_the_number_of_addresses_is_bounded() -> None:
    many = [record("www.film.test", "A", A(f"192.0.2.{number}")) for number in range(60)]
    assert len(answer_of(answered("www.film.test", "A", *many), FILM).addresses) == MOST_ADDRESSES


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused_in_one_way(junk: bytes) -> None:
    whole = answered("www.film.test", "A", record("www.film.test", "A", A("192.0.2.7")))
    for message in (junk, whole[:12] + junk, whole[: len(junk)], whole[:40] + junk):
        for read in (question_of, lambda data: answer_of(data, FILM)):
            with contextlib.suppress(MalformedError):
                read(message)
