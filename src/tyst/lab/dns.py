"""Asking a DNS server a question from inside a host, without a program in the host: for waiting and for tests.

One question, one datagram; not a resolver. Counterpart: `services/zone.py`.
"""

import socket
from ipaddress import ip_address

from dnslib import DNSError, DNSRecord

from tyst.lab.host import Host


def ask(host: Host, name: str, kind: str = "A", *, server: str, within: float = 2.0) -> list[str]:
    """The answers' texts, in order; empty when nobody answers in `within` seconds or there is no such name."""
    question = DNSRecord.question(name, kind)
    family = socket.AF_INET if ip_address(server).version == 4 else socket.AF_INET6
    with host.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(within)
        try:
            asking.connect((server, 53))
            asking.send(question.pack())
            reply = DNSRecord.parse(asking.recv(65535))
        except (OSError, DNSError):
            return []
    if reply.header.id != question.header.id:
        return []
    return [str(record.rdata).strip('"') for record in reply.rr]
