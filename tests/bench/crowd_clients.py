"""A crowd of WireGuard devices in one process: each shakes hands with a node and sends its first packet.

usage: python -m tests.bench.crowd_clients NODE PORT PUBLIC < private keys, one a line, in hex
Prints `ready` when every initiation is made; begins with the first line that it reads after an empty one; then keeps at
most `AT_ONCE` handshakes under way, repeats one that is not answered within a second, and prints JSON: {"seconds",
"connected", "repeated"}. After another line it ends. Counterpart: `crowd.py`.
"""

import json
import os
import select
import socket
import sys
import time
from collections import deque

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.findings.device import Handshake

AT_ONCE = 64
RETRY = 1.0
PATIENCE = 180.0


class Crowd:
    """All devices; the index of a handshake is the number of its device."""

    def __init__(self, node: str, port: int, public: bytes, privates: list[bytes]) -> None:
        self._public, self._privates = public, privates
        self._shakes = [Handshake(private, public, number) for number, private in enumerate(privates)]
        self._link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._link.connect((node, port))
        self._waiting: dict[int, float] = {}
        self._order: deque[tuple[float, int]] = deque()
        self.connected = self.repeated = 0

    def run(self) -> float:
        """Connects all; the seconds that it took."""
        began, following = time.monotonic(), 0
        while self.connected < len(self._shakes) and time.monotonic() - began < PATIENCE:
            while len(self._waiting) < AT_ONCE and following < len(self._shakes):
                self._knock(following)
                following += 1
            if select.select([self._link], [], [], 0.05)[0]:
                self._hear()
            self._repeat()
        return time.monotonic() - began

    def _knock(self, number: int) -> None:
        self._link.send(self._shakes[number].message)
        now = self._waiting[number] = time.monotonic()
        self._order.append((now, number))

    def _repeat(self) -> None:
        now = time.monotonic()
        while self._order and self._order[0][0] < now - RETRY:
            at, number = self._order.popleft()
            if self._waiting.get(number) == at:
                self.repeated += 1
                self._shakes[number] = Handshake(self._privates[number], self._public, number)
                self._knock(number)

    def _hear(self) -> None:
        for _ in range(32):
            try:
                data = self._link.recv(2048, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionError):
                return
            if len(data) == 92 and data[:1] == b"\2":
                self._begin(int.from_bytes(data[8:12], "little"), data)

    def _begin(self, number: int, response: bytes) -> None:
        """The first packet of a tunnel: an empty one."""
        if number not in self._waiting:
            return
        try:
            peer, sending, _ = self._shakes[number].keys(response)
        except InvalidTag:  # the answer to an initiation that was repeated meanwhile
            return
        del self._waiting[number]
        self._link.send(b"\4\0\0\0" + peer + bytes(8) + ChaCha20Poly1305(sending).encrypt(bytes(12), b"", b""))
        self.connected += 1


def main() -> int:
    node, port, public = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
    privates = []
    while line := sys.stdin.readline().strip():
        privates.append(bytes.fromhex(line))
    crowd = Crowd(node, port, public, privates)
    os.nice(10)
    print("ready", flush=True)
    sys.stdin.readline()
    seconds = crowd.run()
    print(json.dumps({"seconds": seconds, "connected": crowd.connected, "repeated": crowd.repeated}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
