"""The streaming relay: addresses are in the sets before their asker hears of them, bounded, and renewed before they end."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from dnslib import DNSRecord

from tyst.core.dns_answer import Answer
from tyst.core.firewall.collections import STREAMS4, STREAMS6, Collection, Element
from tyst.node.streams import LINGER, Destinations, Relay


class Sets:
    """What was put, in order."""

    def __init__(self) -> None:
        self.put_in: list[tuple[str, IPv4Address | IPv6Address, float]] = []

    def put(self, collection: Collection, element: Element) -> None:
        self.put_in.append((collection.name, ip_address(element.key), element.seconds))


def answer(*addresses: str, seconds: int = 60) -> Answer:
    return Answer(0, seconds, tuple(map(ip_address, addresses)))


def test_an_address_is_put_for_its_lifetime_and_a_while_and_renewed_only_when_that_gets_short() -> None:
    now, sets = [1000.0], Sets()
    kept = Destinations(sets, lambda: now[0])
    kept.add(answer("192.0.2.7", "2001:db8::7"))
    assert sets.put_in == [
        (STREAMS4.name, ip_address("192.0.2.7"), 60 + LINGER),
        (STREAMS6.name, ip_address("2001:db8::7"), 60 + LINGER),
    ]
    kept.add(answer("192.0.2.7"))
    assert len(sets.put_in) == 2, "an answer a moment later needs nothing"
    now[0] += LINGER
    kept.add(answer("192.0.2.7"))
    assert len(sets.put_in) == 3


def test_the_sets_are_bounded_and_what_ended_makes_room() -> None:
    now, sets = [0.0], Sets()
    kept = Destinations(sets, lambda: now[0], most=2)
    kept.add(answer("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    assert [str(address) for _, address, _ in sets.put_in] == ["192.0.2.1", "192.0.2.2"]
    now[0] += 60 + LINGER + 1
    kept.add(answer("192.0.2.3"))
    assert str(sets.put_in[-1][1]) == "192.0.2.3"


class Line:
    """A socket that notes what is sent."""

    def __init__(self, sets: Sets) -> None:
        self.sent: list[tuple[bytes, int]] = []
        self._sets = sets

    def sendto(self, data: bytes, addr: object = None) -> None:
        self.sent.append((data, len(self._sets.put_in)))


def test_the_set_has_it_before_the_asker_hears_and_hints_are_not_given() -> None:
    sets = Sets()
    relay, inner, outer = Relay(sets), Line(sets), Line(sets)
    relay._transports = [inner, outer]  # type: ignore[list-item]
    relay.asked(DNSRecord.question("film.test").pack(), ("10.0.0.1", 4000))
    question = DNSRecord.parse(inner.sent[0][0])
    reply = question.reply()
    reply.add_answer(*_rr("film.test 60 A 192.0.2.7"))
    relay._answered(bytes(reply.pack()), None)
    assert outer.sent[0][1] == 1, "put first, said then"
    assert str(DNSRecord.parse(outer.sent[0][0]).rr[0].rdata) == "192.0.2.7"
    relay._answered(bytes(reply.pack()), None)
    assert len(outer.sent) == 1, "an answer that nobody waits for goes nowhere"
    relay.asked(DNSRecord.question("film.test", "HTTPS").pack(), ("10.0.0.1", 4000))
    assert len(inner.sent) == 1 and not DNSRecord.parse(outer.sent[1][0]).rr
    for junk in (b"", b"\0" * 11, bytes(40)):
        relay.asked(junk, ("10.0.0.1", 4000))
        relay._answered(junk, None)


def _rr(text: str) -> list[object]:
    from dnslib import RR

    return list(RR.fromZone(text))
