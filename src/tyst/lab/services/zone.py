"""The lab's one DNS zone: the root with everything under it, and a witness that tells which resolver asked for a name.

Answers are made here, as values; `server.py` carries them. A question for `<label>.probe.test` is remembered in RAM
with the address that asked it, so a test can learn whose resolver a client really used. `whoami.test` answers the
asker's address.
"""

from collections import OrderedDict
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from dnslib import AAAA, NS, QTYPE, RCODE, RR, SOA, TXT, A, DNSHeader, DNSLabel, DNSRecord

from tyst.lab import topology
from tyst.lab.topology import NODES, PLACES

Address = IPv4Address | IPv6Address
_TTL = 60
_REMEMBERED = 4096
PROBE = "probe.test"
WHOAMI = "whoami.test"


def names() -> dict[str, tuple[Address, ...]]:
    """Every name of the lab with its addresses."""
    control, web = PLACES["control"], PLACES["web"]
    table: dict[str, tuple[Address, ...]] = {
        "echo.test": (web.ipv4, web.ipv6),
        "echo4.test": (web.ipv4,),
        "echo6.test": (web.ipv6,),
        "film.test": (topology.FILM_V4, topology.FILM_V6),
        topology.ROOT_SERVER: (topology.AUTHORITATIVE_V4, topology.AUTHORITATIVE_V6),
        "resolver.isp.test": (topology.ISP_RESOLVER_V4, topology.ISP_RESOLVER_V6),
        "notice.tyst.test": (topology.NOTICE_V4, topology.NOTICE_V6),
    }
    for name in ("tyst.test", "www.tyst.test", "gate.tyst.test"):
        table[name] = (control.ipv4, control.ipv6)
    for name in NODES:
        table[f"{name}.tyst.test"] = (PLACES[name].ipv4, PLACES[name].ipv6)
    return table


class Witness:
    """Who asked for which name; the oldest names go first when there are too many. RAM only."""

    def __init__(self) -> None:
        self._askers: OrderedDict[str, set[str]] = OrderedDict()

    def note(self, name: str, asker: str) -> None:
        """Remembers that `asker` asked for `name`."""
        self._askers.setdefault(name, set()).add(asker)
        while len(self._askers) > _REMEMBERED:
            self._askers.popitem(last=False)

    def askers(self, name: str) -> list[str]:
        """The addresses that asked for a name, sorted; empty when nobody did."""
        return sorted(self._askers.get(name.rstrip(".").lower(), ()))


class Zone:
    """Answers questions with authority for everything."""

    def __init__(self, witness: Witness) -> None:
        self._names, self._witness = names(), witness

    def answer(self, packet: bytes, asker: str) -> bytes | None:
        """The reply to a question from an address, or None when it isn't a question (RFC 1035, RFC 2308)."""
        try:
            question = DNSRecord.parse(packet)
        except Exception:  # noqa: BLE001 -- dnslib raises whatever a malformed packet leads to
            return None
        if question.header.qr or not question.questions:
            return None
        name = str(question.q.qname).rstrip(".").lower()
        if name.endswith("." + PROBE):
            self._witness.note(name, asker)
        reply = DNSRecord(DNSHeader(id=question.header.id, qr=1, aa=1, rd=question.header.rd), q=question.q)
        for record in self._records(name, QTYPE[question.q.qtype], asker):
            reply.add_answer(record)
        if not reply.rr:
            reply.add_auth(_soa())
            reply.header.rcode = RCODE.NOERROR if self._exists(name) else RCODE.NXDOMAIN
        return bytes(reply.pack())

    def _records(self, name: str, kind: str, asker: str) -> Iterator[RR]:
        owner = DNSLabel(name)
        if name == "" and kind in ("NS", "ANY"):
            yield RR(owner, QTYPE.NS, ttl=_TTL, rdata=NS(topology.ROOT_SERVER))
        if name == "" and kind == "SOA":
            yield _soa()
        if name == WHOAMI and kind == "TXT":
            yield RR(owner, QTYPE.TXT, ttl=0, rdata=TXT(asker))
        for address in self._addresses(name, asker):
            if (address.version == 4) == (kind == "A") and kind in ("A", "AAAA"):
                data = A(str(address)) if address.version == 4 else AAAA(str(address))
                yield RR(owner, getattr(QTYPE, kind), ttl=self._ttl(name), rdata=data)

    def _addresses(self, name: str, asker: str) -> tuple[Address, ...]:
        if name == WHOAMI:
            return (ip_address(asker),)
        if name.endswith("." + PROBE):
            return self._names["echo.test"]
        return self._names.get(name, ())

    def _ttl(self, name: str) -> int:
        return 0 if name == WHOAMI or name.endswith("." + PROBE) else _TTL

    def _exists(self, name: str) -> bool:
        """Whether a name has records of any kind, or names below it."""
        own = name in self._names or name == WHOAMI or name.endswith("." + PROBE)
        return own or name in ("", PROBE) or any(known.endswith("." + name) for known in self._names)


def _soa() -> RR:
    times = (1, 3600, 600, 86400, 5)  # serial, refresh, retry, expire, negative TTL
    return RR(DNSLabel(""), QTYPE.SOA, ttl=5, rdata=SOA(topology.ROOT_SERVER, "hostmaster.test", times))
