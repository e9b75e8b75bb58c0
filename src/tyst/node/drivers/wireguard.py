"""WireGuard in user space: runs wireguard-go and tells it which peers it has, over its UAPI socket.

The protocol is text: `set=1` with lines, an empty line, `errno=0` (WireGuard's "Cross-platform Userspace
Implementation", section Configuration Protocol). The kernel's WireGuard will be a second driver behind the same
`WireGuard` protocol. A peer is added without an endpoint: the handshake that is handed back brings it. Two
connections are kept open, one for changes and one for dumps, so that a long dump delays no newcomer's change in Python.
"""

import asyncio
import re
import socket
import struct
from collections.abc import Callable, Iterable, Sequence, Set
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Protocol

from tyst.node.drivers.process import Daemon, LastingDaemon, ProgramError

SOCKETS = Path("/var/run/wireguard")
MTU = 1420
_PEER = re.compile(
    rb"public_key=([0-9a-f]{64})\n|last_handshake_time_sec=([0-9]+)\n|endpoint=\[?([0-9a-f.:]+?)\]?:[0-9]+\n"
)
_ALLOWED = re.compile(r"^allowed_ip=([0-9a-f.:]+)/", re.MULTILINE)
_CHUNK = 1 << 16


class WireGuardError(RuntimeError):
    """WireGuard refused or is gone. Carries no key and no address."""


class WireGuard(Protocol):
    """What the node needs of any WireGuard. Public keys are 32 bytes."""

    async def start(self, private: bytes, port: int) -> None:
        """Brings the interface into being with the node's private key (32 bytes) and a port; no peers."""

    async def adopt(self) -> "dict[bytes, frozenset[IPv4Address | IPv6Address]] | None":
        """Instead of `start`: goes on with the interface of an agent that died; its peers with their inner addresses.

        None when there is no such interface. Never for an agent that has nobody before it.
        """

    async def add_peer(
        self, public: bytes, addresses: Sequence[IPv4Address | IPv6Address], preshared: bytes = b""
    ) -> None:
        """A peer with exactly these inner addresses. For one that exists: replaces them, its session goes on.

        `preshared`: its preshared key (32 bytes); without one, a peer that exists keeps what it has.
        """

    async def set_preshared(self, public: bytes, preshared: bytes) -> None:
        """Another preshared key (32 bytes) for a peer that exists, from its next handshake on; else nothing happens."""

    async def remove_peers(self, publics: Iterable[bytes]) -> None:
        """Forgets peers with their endpoints and sessions. Unknown ones are ignored."""

    async def handshakes(self) -> dict[bytes, int]:
        """For each peer the time of its last completed handshake (seconds since 1970), 0 for none.

        As responder a handshake counts as complete with the first authenticated packet that follows it.
        """

    @property
    def entered(self) -> Set[bytes]:
        """Whose packets came through an entry of the fleet when `handshakes` was last asked."""

    async def gone(self) -> None:
        """Returns when WireGuard has ended by itself."""

    async def stop(self) -> None: ...


class UserspaceWireGuard:
    """wireguard-go as a child process. `entries`: the fleet's addresses as they stand in an endpoint.

    `keeper`: the process id of the agent's supervisor, whose child it becomes, so that the next agent can `adopt` it.
    """

    def __init__(
        self,
        interface: str,
        sockets: Path = SOCKETS,
        entries: Callable[[], Set[bytes]] = frozenset[bytes],
        keeper: int | None = None,
    ) -> None:
        self.interface, self._entries, self._keeper = interface, entries, keeper
        self.entered: Set[bytes] = frozenset()
        self._path = sockets / f"{interface}.sock"
        self._daemon: Daemon | LastingDaemon | None = None
        self._changes, self._dumps = _Connection(self._path), _Connection(self._path)
        self._starts = 0

    async def start(self, private: bytes, port: int) -> None:
        """As in `WireGuard`; also takes away the socket file that a killed predecessor may have left."""
        self._starts += 1
        self._changes.close()  # somebody may have asked the old one while it ended
        self._dumps.close()
        self._path.unlink(missing_ok=True)
        argv, env = ["wireguard-go", "-f", self.interface], _environment()
        if self._keeper is None:
            self._daemon = await Daemon.start(argv, env=env)
        else:
            self._daemon = await LastingDaemon.start(argv, env=env, keeper=self._keeper)
        await self._appear()
        await self._changes.set(f"private_key={private.hex()}\nlisten_port={port}\nreplace_peers=true\n")

    async def adopt(self) -> dict[bytes, frozenset[IPv4Address | IPv6Address]] | None:
        """Goes on with the program that the agent before started: its peers, and their inner addresses.

        None when there is none that serves; what is left of it is ended by the next `start` (or the supervisor).
        """
        try:
            pid = await self._changes.owner()
            if self._keeper is None or _parent_of(pid) != self._keeper:
                return None
            self._daemon = LastingDaemon("wireguard-go", pid)
            text = await self._changes.ask("get=1\n\n")
        except (OSError, WireGuardError):
            return None
        if "private_key=" not in text:  # that agent died before it could say whose this is
            await self.stop()
            return None
        return {bytes.fromhex(one[:64]): _inner(one) for one in text.split("\npublic_key=")[1:]}

    async def _appear(self, within: float = 5.0) -> None:
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            if self._daemon is None or not self._daemon.running:
                break
            if await self._changes.reachable():
                return
            await asyncio.sleep(0.01)
        raise ProgramError("wireguard-go did not start: is Debian's wireguard-go installed, and /dev/net/tun there?")

    async def add_peer(
        self, public: bytes, addresses: Sequence[IPv4Address | IPv6Address], preshared: bytes = b""
    ) -> None:
        lines = "".join(f"allowed_ip={address}/{address.max_prefixlen}\n" for address in addresses)
        await self._changes.set(f"public_key={public.hex()}\n{_secret(preshared)}replace_allowed_ips=true\n{lines}")
        if preshared:
            await self._changes.set(_NOBODY)

    async def set_preshared(self, public: bytes, preshared: bytes) -> None:
        await self._changes.set(f"public_key={public.hex()}\nupdate_only=true\n{_secret(preshared)}")
        await self._changes.set(_NOBODY)

    async def remove_peers(self, publics: Iterable[bytes]) -> None:
        lines = "".join(f"public_key={public.hex()}\nremove=true\n" for public in publics)
        if lines:
            await self._changes.set(lines)

    async def handshakes(self) -> dict[bytes, int]:
        stamps, self.entered = await self._dumps.handshakes(self._entries())
        return stamps

    async def gone(self) -> None:
        if self._daemon is not None:
            await self._daemon.ended()

    async def stop(self) -> None:
        self._changes.close()
        self._dumps.close()
        before = self._starts
        if self._daemon is not None:
            await self._daemon.stop()
        if self._starts == before:  # else the socket is the next one's already
            self._path.unlink(missing_ok=True)


def _parent_of(pid: int) -> int:
    """proc_pid_stat(5): the fourth field; the second one, in parentheses, may hold anything."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _inner(peer: str) -> frozenset[IPv4Address | IPv6Address]:
    return frozenset(ip_address(found) for found in _ALLOWED.findall(peer))


_NOBODY = f"public_key={'0' * 64}\nupdate_only=true\n" * 4
"""A change that changes nothing: wireguard-go reads into one buffer per connection, and this overwrites a key in it."""


def _secret(preshared: bytes) -> str:
    return f"preshared_key={preshared.hex()}\n" if preshared else ""


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

    async def owner(self) -> int:
        """The process that listens there (SO_PEERCRED, unix(7))."""
        _, writer = await self._open()
        raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", raw)[0])

    async def ask(self, request: str, within: float = 10.0) -> str:
        """A whole answer. It may be long, and others wait meanwhile: for an agent that does not serve yet."""
        async with self._turn:
            try:
                reader, writer = await self._open()
                writer.write(request.encode())
                answer = b""
                async with asyncio.timeout(within):
                    while not answer.endswith(b"\n\n"):
                        if not (chunk := await reader.read(_CHUNK)):
                            raise EOFError
                        answer += chunk
            except (OSError, EOFError, TimeoutError):
                self.close()
                raise WireGuardError("wireguard-go does not answer") from None
        return answer.decode()

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

    async def handshakes(self, entries: Set[bytes]) -> tuple[dict[bytes, int], Set[bytes]]:
        """(times of handshakes, whose endpoint is one of these). Other endpoints are passed over.

        Streams the dump through a regular expression, a chunk at a time, so that others get their turn.
        """
        found: dict[bytes, int] = {}
        entered: set[bytes] = set()
        async with self._turn:
            try:
                reader, writer = await self._open()
                writer.write(b"get=1\n\n")
                await asyncio.wait_for(_read_dump(reader, found, entries, entered), 10)
            except (OSError, EOFError, TimeoutError):
                self.close()
                raise WireGuardError("wireguard-go does not answer") from None
        return found, entered

    def close(self) -> None:
        if self._pair is not None:
            self._pair[1].close()
        self._pair = None


async def _read_dump(
    reader: asyncio.StreamReader, found: dict[bytes, int], entries: Set[bytes], entered: set[bytes]
) -> None:
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
            elif match[3]:
                if match[3] in entries:
                    entered.add(key)
            else:
                found[key] = int(match[2])
        rest = data[cut:]
        await asyncio.sleep(0)
