"""Packets built by hand, byte for byte, for attacks that no ordinary program would send; and what an answer says.

Builders return what goes on the wire from the IP (or Ethernet) header on, with right checksums: RFC 791, 792, 826, 4443,
4861, 8200, 9293, 768. Reading an answer is `tyst.lab.packets.parse`; here is only what it doesn't tell (TCP flags, who
is announced in ARP and neighbour discovery).
"""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from tyst.lab.host import Host

Address = IPv4Address | IPv6Address
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
SYN, RST, ACK = 0x02, 0x04, 0x10
ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
EVERYBODY = b"\xff" * 6


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip(source: str | Address, target: str | Address, proto: int, payload: bytes, ttl: int = 64) -> bytes:
    """An IP packet of the addresses' family around a payload."""
    src, dst = ip_address(str(source)), ip_address(str(target))
    if src.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, ttl) + src.packed + dst.packed + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, ttl, proto, 0) + src.packed + dst.packed
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def _summed(source: str | Address, target: str | Address, proto: int, body: bytes, at: int) -> bytes:
    """A transport body with its checksum over the pseudo header, at this place."""
    src, dst = ip_address(str(source)), ip_address(str(target))
    pseudo = src.packed + dst.packed + struct.pack("!II", len(body), proto)
    value = checksum(pseudo + body) or 0xFFFF
    return body[:at] + struct.pack("!H", value) + body[at + 2 :]


def udp(source: str | Address, target: str | Address, sport: int, dport: int, payload: bytes = b"") -> bytes:
    """A UDP datagram in its packet."""
    body = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    return ip(source, target, UDP, _summed(source, target, UDP, body, 6))


def tcp(
    source: str | Address,
    target: str | Address,
    sport: int,
    dport: int,
    flags: int = SYN,
    at: tuple[int, int] = (1000, 0),
) -> bytes:
    """A TCP segment without data or options. `at`: sequence and acknowledgement numbers."""
    body = struct.pack("!HHIIBBHHH", sport, dport, *at, 5 << 4, flags, 64240, 0, 0)
    return ip(source, target, TCP, _summed(source, target, TCP, body, 16))


def echo(source: str | Address, target: str | Address, number: int, payload: bytes = b"findings") -> bytes:
    """An ICMP (or ICMPv6) echo request; `number` is identifier and sequence."""
    body = struct.pack("!BBHHH", 8, 0, 0, number & 0xFFFF, number & 0xFFFF) + payload
    if ip_address(str(target)).version == 4:
        return ip(source, target, ICMP, body[:2] + struct.pack("!H", checksum(body)) + body[4:])
    return ip(source, target, ICMP6, _summed(source, target, ICMP6, b"\x80" + body[1:], 2))


def is_echo_reply(packet: bytes, number: int) -> bool:
    """Whether this is the answer to `echo` with this number."""
    at, kind = (20, 0) if packet[0] >> 4 == 4 else (40, 129)
    proto = packet[9] if kind == 0 else packet[6]
    right = proto == (ICMP if kind == 0 else ICMP6) and len(packet) >= at + 8 and packet[at] == kind
    return right and packet[at + 4 : at + 6] == struct.pack("!H", number & 0xFFFF)


def tcp_flags(packet: bytes) -> int:
    """The flags of a TCP packet without IPv6 extension headers."""
    return packet[(20 if packet[0] >> 4 == 4 else 40) + 13]


def sequence_of(packet: bytes) -> int:
    """The sequence number of such a packet."""
    at = 20 if packet[0] >> 4 == 4 else 40
    return int(struct.unpack_from("!I", packet, at + 4)[0])


def payload_of(packet: bytes) -> bytes:
    """What is inside a UDP packet."""
    return packet[(20 if packet[0] >> 4 == 4 else 40) + 8 :]


def ethernet(source: bytes, target: bytes, kind: int, payload: bytes) -> bytes:
    """A frame."""
    return target + source + struct.pack("!H", kind) + payload


def who_has(source: bytes, own: Address, wanted: str | Address) -> bytes:
    """An ARP request to everybody, or for IPv6 a neighbour solicitation to the address's own multicast group."""
    address = ip_address(str(wanted))
    if address.version == 4:
        body = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + source + own.packed + bytes(6) + address.packed
        return ethernet(source, EVERYBODY, ARP, body)
    group = IPv6Address(b"\xff\x02" + bytes(9) + b"\x01\xff" + address.packed[13:])
    body = struct.pack("!BBHI", 135, 0, 0, 0) + address.packed + b"\x01\x01" + source
    body = _summed(own, group, ICMP6, body, 2)
    return ethernet(source, b"\x33\x33" + group.packed[12:], IPV6, ip(own, group, ICMP6, body, ttl=255))


def announced(frame: bytes) -> Address | None:
    """Which address a frame claims to have: ARP replies and neighbour advertisements; None for any other frame."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == ARP and frame[20:22] == b"\0\2":
        return IPv4Address(frame[28:32])
    if kind == IPV6 and frame[20] == ICMP6 and frame[54] == 136:
        return IPv6Address(frame[62:78])
    return None


def link(host: Host, interface: str, kind: int = 3) -> socket.socket:
    """A socket for whole frames on a host's interface (packet(7)); `kind` 3 hears every protocol."""
    opened = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
    opened.bind((interface, kind))
    opened.settimeout(3)
    return opened


def mac_of(host: Host, interface: str) -> bytes:
    """The interface's own Ethernet address."""
    text = host.run(["cat", f"/sys/class/net/{interface}/address"]).stdout
    return bytes.fromhex(text.strip().replace(":", ""))
