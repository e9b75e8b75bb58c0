"""Reading captured packets: enough to say who spoke to whom, and never a wrong port."""

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from tyst.lab.packets import parse

ALICE, WEB = IPv4Address("198.51.100.11"), IPv4Address("198.18.2.80")
ALICE6, WEB6 = IPv6Address("2001:db8:a::11"), IPv6Address("2001:db8:e::80")
PORTS = struct.pack("!HH", 40000, 443)


def ipv4(proto: int, body: bytes, *, fragment: int = 0, options: bytes = b"") -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), 0, fragment, 64, proto, 0)
    return head + ALICE.packed + WEB.packed + options + body


def ipv6(proto: int, body: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + ALICE6.packed + WEB6.packed + body


def test_a_tcp_packet_of_alice() -> None:
    packet = parse(ipv4(6, PORTS + bytes(16)), leaving=True)
    assert packet is not None
    assert (packet.src, packet.dst, packet.proto, packet.sport, packet.dport) == (ALICE, WEB, "tcp", 40000, 443)
    assert str(packet) == "tcp 198.51.100.11 port 40000 > 198.18.2.80 port 443, 40 bytes"
    assert packet.leaving


def test_options_are_stepped_over() -> None:
    packet = parse(ipv4(17, PORTS, options=bytes(8)), leaving=False)
    assert packet is not None and packet.dport == 443


def test_a_later_fragment_has_no_ports() -> None:
    packet = parse(ipv4(17, PORTS, fragment=185), leaving=False)
    assert packet is not None and (packet.proto, packet.sport, packet.dport) == ("udp", None, None)


def test_the_first_fragment_has_ports() -> None:
    packet = parse(ipv4(17, PORTS, fragment=0x2000), leaving=False)
    assert packet is not None and packet.dport == 443


def test_icmp_has_no_ports() -> None:
    packet = parse(ipv4(1, bytes(8)), leaving=False)
    assert packet is not None and (packet.proto, packet.dport) == ("icmp", None)


def test_ipv6_behind_a_hop_by_hop_header() -> None:
    packet = parse(ipv6(0, bytes([17, 1]) + bytes(14) + PORTS), leaving=True)
    assert packet is not None
    assert (packet.src, packet.dst, packet.proto, packet.dport) == (ALICE6, WEB6, "udp", 443)


def test_a_later_ipv6_fragment_has_no_ports() -> None:
    packet = parse(ipv6(44, bytes([17, 0]) + (185 << 3).to_bytes(2) + bytes(4) + PORTS), leaving=True)
    assert packet is not None and (packet.proto, packet.dport) == ("udp", None)


def test_what_is_no_packet_is_none() -> None:
    assert parse(b"", leaving=False) is None
    assert parse(b"\x45" + bytes(10), leaving=False) is None
    assert parse(b"\x60" + bytes(30), leaving=False) is None
    assert parse(b"\x00" * 60, leaving=False) is None


@given(st.binary(max_size=120))
def test_no_bytes_break_it(data: bytes) -> None:
    packet = parse(data, leaving=False)
    assert packet is None or packet.data == data


@given(st.integers(0, 2**32 - 1), st.integers(0, 65535))
def test_every_address_and_port_comes_out_as_it_went_in(address: int, port: int) -> None:
    data = ipv4(17, struct.pack("!HH", port, 53))[:12] + address.to_bytes(4) + WEB.packed + struct.pack("!HH", port, 53)
    packet = parse(data, leaving=False)
    assert packet is not None and (packet.src, packet.sport) == (ip_address(address), port)
