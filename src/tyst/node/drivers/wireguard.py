"""WireGuard in user space: runs wireguard-go and tells it which peers it has, over its UAPI socket.

The protocol is text: `set=1` with lines, an empty line, `errno=0` (WireGuard's "Cross-platform Userspace
Implementation", section Configuration Protocol). The kernel's WireGuard will be a second driver behind the same
`WireGuard` protocol. A peer is added without an endpoint: the handshake that is handed back brings it. Two
connections are kept open, one for changes and one for dumps, so that a long dump delays no newcomer's change in Python.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Protocol

from tyst.node.drivers.process import Daemon, ProgramError

SOCKETS = Path("/var/run/wireguard")
MTU = 1420
_PEER = re.compile(rb"public_key=([0-9a-f]{64})\n|last_handshake_time_sec=([0-9]+)\n")
_CHUNK = 1 << 16


class WireGuardError(RuntimeError):
    """WireGuard refused or is gone. Carries no key and no address."""


class WireGuard(Protocol):
    """What the node needs of any WireGuard. Public keys are 32 bytes."""

    async def start(self, private: bytes, port: int) -> None:
        """Brings the interface into being with the node's private key (32 bytes) and a port; no peers."""

    async def add_peer(self, public: bytes, addresses: Sequence[IPv4Address | IPv6Address]) -> None:
        """A peer with exactly these inner addresses. For one that exists: replaces them, its session goes on."""

    async def remove_peers(self, publics: Iterable[bytes]) -> None:
        """Forgets peers with their endpoints and sessions. Unknown ones are ignored."""

    async def handshakes(self) -> dict[bytes, int]:
        """For each peer the time of its last completed handshake (seconds since 1970), 0 for none.

        As responder a handshake counts as complete with the first authenticated packet that follows it.
        """

    async def gone(self) -> None:
        """Returns when WireGuard has ended by itself."""

    async def stop(self) -> None: ...


class UserspaceWireGuard:
    """wireguard-go as a child process."""

    def __init__(self, interface: str, sockets: Path = SOCKETS) -> None:
        self.interface = interface
        self._path = sockets / f"{interface}.sock"
        self._daemon: Daemon | None = None
        self._changes, self._dumps = _Connection(self._path), _Connection(self._path)

    async def start(self, private: bytes, port: int) -> None:
        """As in `WireGuard`; also takes away the socket file that a killed predecessor may have left."""
        self._path.unlink(missing_ok=True)
        self._daemon = await Daemon.start(["wireguard-go", "-f", self.interface], env=_environment())
        await self._appear()
        await self._changes.set(f"private_key={private.hex()}\nlisten_port={port}\nreplace_peers=true\n")

    async def _appear(self, within: float = 5.0) -> None:
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            if self._daemon is None or not self._daemon.running:
                break
            if await self._changes.reachable():
                return
            await asyncio.sleep(0.01)
        raise ProgramError("wireguard-go did not start: is Debian's wireguard-go installed, and /dev/net/tun there?")

    async def add_peer(self, public: bytes, addresses: Sequence[IPv4Address | IPv6Address]) -> None:
        lines = "".join(f"allowed_ip={address}/{address.max_prefixlen}\n" for address in addresses)
        await self._changes.set(f"public_key={public.hex()}\nreplace_allowed_ips=true\n{lines}")

    async def remove_peers(self, publics: Iterable[bytes]) -> None:
        lines = "".join(f"public_key={public.hex()}\nremove=true\n" for public in publics)
        if lines:
            await self._changes.set(lines)

    async def handshakes(self) -> dict[bytes, int]:
        return await self._dumps.handshakes()

    async def gone(self) -> None:
        if self._daemon is not None:
            await self._daemon.ended()

    async def stop(self) -> None:
        self._changes.close()
        self._dumps.close()
        if self._daemon is not None:
            await self._daemon.stop()
        self._path.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    """Silent; and what Go's collector frees is overwritten at once, so that endpoints don't outlive their peers.

    GOGC: Go collects every two minutes only after a first collection, which a heap under 4 MB x GOGC/100 never sees.
    """
    return {"LOG_LEVEL": "silent", "WG_PROCESS_FOREGROUND": "1", "GODEBUG": "clobberfree=1", "GOGC": "10"}


class _Connection:
    """One UAPI connection, opened when needed and again after a failure; one request at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def reachable(self) -> bool:
        try:
            await self._open()
        except OSError:
            return False
        return True

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._pair is None:
            self._pair = await asyncio.open_unix_connection(str(self._path), limit=1 << 20)
        return self._pair

    async def set(self, lines: str) -> None:
        """One `set` transaction. WireGuardError when it is refused."""
        async with self._turn:
            answer = await self._answer(f"set=1\n{lines}\n".encode())
        if b"errno=0\n" not in answer:
            raise WireGuardError("wireguard-go refused a change")

    async def _answer(self, request: bytes) -> bytes:
        try:
            reader, writer = await self._open()
            writer.write(request)
            return await asyncio.wait_for(reader.readuntil(b"\n\n"), 5)
        except (OSError, EOFError, TimeoutError):
            self.close()
            raise WireGuardError("wireguard-go does not answer") from None

    async def handshakes(self) -> dict[bytes, int]:
        """Streams the dump through a regular expression, a chunk at a time, so that others get their turn."""
        found: dict[bytes, int] = {}
        async with self._turn:
            try:
                reader, writer = await self._open()
                writer.write(b"get=1\n\n")
                await asyncio.wait_for(_read_dump(reader, found), 10)
            except (OSError, EOFError, TimeoutError):
                self.close()
                raise WireGuardError("wireguard-go does not answer") from None
        return found

    def close(self) -> None:
        if self._pair is not None:
            self._pair[1].close()
        self._pair = None


async def _read_dump(reader: asyncio.StreamReader, found: dict[bytes, int]) -> None:
    rest, key, tail = b"", b"", b""
    while tail != b"\n\n":
        chunk = await reader.read(_CHUNK)
        if not chunk:
            raise EOFError
        data, tail = rest + chunk, (tail + chunk)[-2:]
        cut = data.rfind(b"\n") + 1
        for match in _PEER.finditer(data, 0, cut):
            if match[1]:
                key = bytes.fromhex(match[1].decode())
            else:
                found[key] = int(match[2])
        rest = data[cut:]
        await asyncio.sleep(0)
