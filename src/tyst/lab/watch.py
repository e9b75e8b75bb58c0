"""A packet watcher: keeps in RAM what passes an interface of a host, from the moment it is made until it is stopped.

    with Watch(lab["alice"], "eth0", "not udp port 51820", leaving=True) as watch:
        ...
    assert not watch.packets

It sees IPv4 and IPv6 (not ARP), on Ethernet and tunnel interfaces alike, each packet from its IP header on. Filters are
tcpdump's (pcap-filter(7), from the IP header up: no `ether`, no `arp`), compiled by tcpdump and run by the kernel. It
never loses a packet silently: a full buffer fails the watch. Counterpart: `packets.py`.
"""

import ctypes
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from types import TracebackType

from tyst.lab.host import Host
from tyst.lab.packets import Packet, parse
from tyst.lab.wait import wait_until

_ETH_P_ALL, _ETH_P_IP, _ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 263, 6, 23
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_PACKET_OUTGOING, _PACKET_LOOPBACK = 4, 5
_BUFFER = 32 << 20
_LARGEST = 65575
_CATCH_UP = 0.5
"""Seconds; under a flood there is always one more packet to read."""


class PacketsLost(AssertionError):
    """A watch could not keep up, or kept more than its limit, so what it did not see proves nothing."""


class Watch:
    """Collects packets. `leaving`: True only those sent by the host, False only those received, None both.

    `limit` bounds how many bytes are kept. Raises `OSError` when there is no such interface, `ValueError` for a filter
    that tcpdump refuses.
    """

    def __init__(
        self, host: Host, interface: str, expression: str = "", *, leaving: bool | None = None, limit: int = 128 << 20
    ) -> None:
        self._leaving, self._left = leaving, limit
        self._packets: list[Packet] = []
        self._overflow = 0
        self._turn = threading.Lock()
        program = _compile(expression)
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self._stop_now, self._stopper = socket.socketpair()
        try:
            self._open(interface, program)
        except BaseException:
            self._close()
            raise
        self._thread = threading.Thread(target=self._collect, name=f"watch {host.name} {interface}", daemon=True)
        self._thread.start()

    def _open(self, interface: str, program: bytes) -> None:
        """Filter first, interface last: not one packet that the filter refuses gets in."""
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        if program:
            instructions = ctypes.create_string_buffer(program)
            pointer = struct.pack("HL", len(program) // 8, ctypes.addressof(instructions))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)
        if self._leaving is False:
            self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._socket.bind((interface, _ETH_P_ALL))

    def _collect(self) -> None:
        """Reads until told to stop, then what had arrived by then."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._stop_now, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._socket.fileno() in ready:
                self._take()
            elif ready:
                return

    def _take(self) -> None:
        with self._turn:
            self._take_one()

    def _take_one(self) -> None:
        try:
            data, (_, protocol, kind, *_) = self._socket.recvfrom(_LARGEST, socket.MSG_DONTWAIT)
        except OSError:  # nothing after all, or the interface went down: what came before is kept
            return
        leaving = kind == _PACKET_OUTGOING
        if protocol not in (_ETH_P_IP, _ETH_P_IPV6) or self._leaving not in (None, leaving):
            return
        packet = parse(data, leaving=leaving)
        if packet is None:
            return
        self._left -= len(data)
        if self._left < 0:
            self._overflow += 1
        else:
            self._packets.append(packet)

    @property
    def packets(self) -> list[Packet]:
        """What passed until now, oldest first, also what the kernel has seen and the collector not yet read."""
        deadline = time.monotonic() + _CATCH_UP
        while self._waiting() and time.monotonic() < deadline:
            time.sleep(0.001)
        with self._turn:
            return list(self._packets)

    def _waiting(self) -> bool:
        return self._socket.fileno() >= 0 and bool(select.select([self._socket], [], [], 0)[0])

    def count(self) -> int:
        """How many packets passed until now."""
        return len(self.packets)

    def wait_for(self, condition: Callable[[Packet], bool], *, within: float = 5, what: str = "a packet") -> Packet:
        """The first packet, seen already or yet to come, for which the condition holds; `NotInTime` if none comes."""
        found = wait_until(
            lambda: [packet for packet in self.packets if condition(packet)][:1], within=within, every=0.01, what=what
        )
        return found[0]

    def stop(self) -> list[Packet]:
        """Ends the watch and returns its packets; again: the same ones. Raises `PacketsLost` when some were missed."""
        if self._socket.fileno() >= 0:
            self._stopper.send(b"x")
            self._thread.join(5)
            raw = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            self._overflow += struct.unpack("II", raw)[1]
            self._close()
        if self._overflow:
            raise PacketsLost(f"{self._overflow} packets were seen and not kept; narrow the filter")
        return self.packets

    def _close(self) -> None:
        for one in (self._socket, self._stop_now, self._stopper):
            one.close()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _compile(expression: str) -> bytes:
    """A filter's program for the kernel, each instruction a `struct sock_filter`."""
    if not expression:
        return b""
    command = ["tcpdump", "-y", "RAW", "-s", str(_LARGEST), "-ddd", expression]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise ValueError(f"tcpdump refuses the filter {expression!r}: {done.stderr.strip()}")
    rows = [[int(word) for word in line.split()] for line in done.stdout.splitlines()[1:]]
    return b"".join(struct.pack("=HBBI", *row) for row in rows)
