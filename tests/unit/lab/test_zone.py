"""The lab's DNS answers, as values."""

from dnslib import RCODE, DNSRecord

from tyst.lab import topology
from tyst.lab.services.zone import _REMEMBERED, Witness, Zone

ALICE = "198.51.100.11"


def ask(zone: Zone, name: str, kind: str = "A", asker: str = ALICE) -> DNSRecord:
    reply = zone.answer(DNSRecord.question(name, kind).pack(), asker)
    assert reply is not None
    return DNSRecord.parse(reply)


def texts(reply: DNSRecord) -> list[str]:
    return [str(record.rdata) for record in reply.rr]


def test_a_name_has_its_addresses() -> None:
    zone = Zone(Witness())
    assert texts(ask(zone, "tyst.test")) == ["198.18.1.10"]
    assert texts(ask(zone, "TYST.test", "AAAA")) == ["2001:db8:c::10"]
    assert texts(ask(zone, "notice.tyst.test")) == ["10.0.0.2"]


def test_a_name_with_one_family_only_is_empty_in_the_other_and_exists() -> None:
    reply = ask(Zone(Witness()), "echo4.test", "AAAA")
    assert (texts(reply), reply.header.rcode) == ([], RCODE.NOERROR)


def test_a_name_between_names_exists() -> None:
    assert ask(Zone(Witness()), "isp.test").header.rcode == RCODE.NOERROR
    assert ask(Zone(Witness()), "test", "NS").header.rcode == RCODE.NOERROR


def test_an_unknown_name_does_not_exist_and_says_for_how_long() -> None:
    reply = ask(Zone(Witness()), "example.com")
    assert reply.header.rcode == RCODE.NXDOMAIN
    assert len(reply.auth) == 1


def test_the_root_names_its_server() -> None:
    assert texts(ask(Zone(Witness()), ".", "NS")) == [f"{topology.ROOT_SERVER}."]


def test_who_asks_is_told_so_and_it_is_not_cached() -> None:
    reply = ask(Zone(Witness()), "whoami.test")
    assert (texts(reply), reply.rr[0].ttl) == ([ALICE], 0)
    assert texts(ask(Zone(Witness()), "whoami.test", "TXT", "2001:db8:a::11")) == ['"2001:db8:a::11"']
    assert texts(ask(Zone(Witness()), "whoami.test", "A", "2001:db8:a::11")) == []


def test_the_witness_remembers_who_asked_for_a_probe_and_nothing_else() -> None:
    witness = Witness()
    zone = Zone(witness)
    ask(zone, "One.Probe.test")
    ask(zone, "one.probe.test", "AAAA", "192.0.2.10")
    ask(zone, "tyst.test")
    assert witness.askers("one.probe.test.") == ["192.0.2.10", ALICE]
    assert witness.askers("tyst.test") == []


def test_mallory_cannot_fill_the_witnesss_memory() -> None:
    witness = Witness()
    for number in range(_REMEMBERED + 10):
        witness.note(f"{number}.probe.test", ALICE)
    assert witness.askers("0.probe.test") == []
    assert witness.askers(f"{_REMEMBERED + 9}.probe.test") == [ALICE]
    assert len(witness._askers) == _REMEMBERED


def test_what_is_no_question_gets_no_answer() -> None:
    zone = Zone(Witness())
    answer = DNSRecord.question("tyst.test").reply().pack()
    for packet in (b"", b"\0" * 12, b"\xff" * 100, answer):
        assert zone.answer(packet, ALICE) is None
