"""A bounded flood of UDP datagrams with forged sources: runs on a client host of a lab, and on nothing else.

usage: python -m tests.bench.flood_sender < plan
The plan, as JSON: {"target", "ports": [port …], "rate": datagrams per second, "seconds": for each port, "messages":
[hex …]}. Floods one port after the other, and prints a line for each: port, begin and end (time.monotonic), and how
many it sent. Sources are drawn from 198.19.0.0/16, which is set aside for benchmarks (RFC 2544) and which no lab uses.
Refuses any target outside the ranges that are set aside for documents and benchmarks, and more than a minute in all.
"""

import ipaddress
import itertools
import json
import random
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator

TARGETS = [ipaddress.IPv4Network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")]
SOURCES = ipaddress.IPv4Network("198.19.0.0/16")
LONGEST, FASTEST = 60.0, 50_000
POOL = 8192
STEP = 0.002


def main() -> int:
    """Sends what the plan says, at its pace."""
    plan = json.load(sys.stdin)
    target, ports, seconds = ipaddress.IPv4Address(plan["target"]), plan["ports"], plan["seconds"]
    if not any(target in net for net in TARGETS):
        raise SystemExit("flood: only hosts of the lab may be flooded")
    if seconds * len(ports) > LONGEST:
        raise SystemExit(f"flood: no longer than {LONGEST:g} s")
    messages = [bytes.fromhex(text) for text in plan["messages"]]
    turns = {port: itertools.cycle(_packets(target, port, messages)) for port in set(ports)}
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        out.connect((str(target), 0))
        for port in ports:
            began = time.monotonic()
            sent = _flood(out, turns[port], began + seconds, min(FASTEST, plan["rate"]))
            print(port, began, time.monotonic(), sent, flush=True)
    return 0


def _flood(out: socket.socket, turn: Iterator[bytes], until: float, rate: int) -> int:
    """Keeps to the rate on average; what it could not send in time it sends late. Returns how many."""
    sent, began = 0, time.monotonic()
    while (now := time.monotonic()) < until:
        for packet in itertools.islice(turn, max(0, int((now - began) * rate) - sent)):
            out.send(packet)
            sent += 1
        select.select([], [], [], STEP)
    return sent


def _packets(target: ipaddress.IPv4Address, port: int, messages: list[bytes]) -> list[bytes]:
    """Whole IPv4 packets, each message from many a source; the kernel fills in checksum and identification."""
    chance = random.Random(7)
    return [_packet(target, port, messages[number % len(messages)], chance) for number in range(POOL)]


def _packet(target: ipaddress.IPv4Address, port: int, message: bytes, chance: random.Random) -> bytes:
    source = SOURCES[chance.randrange(1, SOURCES.num_addresses - 1)]
    ports, length = (chance.randrange(1024, 65536), port), 8 + len(message)
    pseudo = source.packed + target.packed + struct.pack("!HH", socket.IPPROTO_UDP, length)
    checksum = _checksum(pseudo + struct.pack("!HHHH", *ports, length, 0) + message)
    datagram = struct.pack("!HHHH", *ports, length, checksum) + message
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, socket.IPPROTO_UDP, 0)
    return header + source.packed + target.packed + datagram


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071), never 0, which for UDP means none (RFC 768)."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


if __name__ == "__main__":
    raise SystemExit(main())
