"""A TCP connection that stays: carries a fixed amount through a tunnel, again and again, or flows until told to stop.

Where iperf3 opens a connection for each run, this one lets two settings be compared several times a second, so that a
busy neighbour on the machine disturbs both alike. Its two ends are sockets of this process inside two lab hosts; their
own work is nobody's measure. Nothing is under way between two calls of `carry`: the last byte was read and its arrival
confirmed.
"""

import array
import fcntl
import socket
import threading
import time
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from typing import Self

from tyst.lab.host import Host
from tyst.lab.wait import wait_until

_SIOCOUTQ = 0x5411
_BLOCK = 256 << 10
_PATIENCE = 20.0


class Stream:
    """One connection between two hosts."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self._near, self._far = near, far
        for end in (near, far):
            end.settimeout(_PATIENCE)
        self._buffer = bytes(_BLOCK)
        self._room = bytearray(_BLOCK)

    @classmethod
    def open(cls, client: Host, server: Host, at: IPv4Address) -> Self:
        """Connects from the client's host to an address of the server's."""
        with server.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
            listening.settimeout(_PATIENCE)
            listening.bind((str(at), 0))
            listening.listen(1)
            near = client.socket(socket.AF_INET, socket.SOCK_STREAM)
            near.settimeout(_PATIENCE)
            near.connect(listening.getsockname())
            return cls(near, listening.accept()[0])

    def carry(self, amount: int, *, down: bool) -> None:
        """Carries `amount` bytes to the far end, or down from it; the last one's arrival is confirmed by then."""
        sender, receiver = (self._far, self._near) if down else (self._near, self._far)
        pushing = threading.Thread(target=self._push, args=(sender, amount), daemon=True)
        pushing.start()
        left = amount
        while left:
            got = receiver.recv_into(self._room, min(_BLOCK, left))
            if not got:
                raise ConnectionError("the stream ended")
            left -= got
        pushing.join(_PATIENCE)
        wait_until(lambda: not _unconfirmed(sender), within=5, every=0.001, what="the last byte's confirmation")

    @contextmanager
    def flowing(self, *, down: bool) -> Iterator["Flow"]:
        """As much as goes, until the end of the block; the connection is good for nothing afterwards."""
        sender, receiver = (self._far, self._near) if down else (self._near, self._far)
        flow = Flow()
        ends = [
            threading.Thread(target=work, daemon=True)
            for work in (lambda: self._push(sender, 1 << 62), lambda: flow.take(receiver))
        ]
        for end in ends:
            end.start()
        try:
            yield flow
        finally:
            for one in (sender, receiver):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for end in ends:
                end.join(_PATIENCE)

    def _push(self, sender: socket.socket, amount: int) -> None:
        with suppress(OSError):  # an end that was shut down; the receiver notices what is missing
            while amount:
                amount -= sender.send(self._buffer[: min(_BLOCK, amount)])

    def close(self) -> None:
        """Ends it."""
        self._near.close()
        self._far.close()


class Flow:
    """What arrived, and when (time.monotonic)."""

    def __init__(self) -> None:
        self._times, self._totals = [time.monotonic()], [0]

    def take(self, receiver: socket.socket) -> None:
        """Reads until the connection ends."""
        room = bytearray(_BLOCK)
        with suppress(OSError):
            while got := receiver.recv_into(room):
                self._totals.append(self._totals[-1] + got)
                self._times.append(time.monotonic())

    def megabits(self, begin: float, end: float) -> float:
        """Mbit/s between two moments."""
        first, last = bisect(self._times, begin) - 1, bisect(self._times, end) - 1
        return (self._totals[last] - self._totals[first]) * 8 / 1e6 / (end - begin)


def _unconfirmed(sender: socket.socket) -> int:
    """Bytes sent and not confirmed yet (tcp(7), SIOCOUTQ)."""
    count = array.array("i", [0])
    fcntl.ioctl(sender, _SIOCOUTQ, count)
    return count[0]
