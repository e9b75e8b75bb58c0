"""OpenVPN's management protocol, without I/O: bytes in, events out; commands in, bytes out.

openvpn tells far more than a node may know: addresses, byte counts, times, what the client's machine is and has for a
network card. All of that ends here, in the line it came on: a `Parser` keeps the user name and the password of a login
(as `Transient`), of the address only the bucket that the login limiter counts it in, and of the program which framing
it understands. Not here: sockets, deciding.
The counterpart is openvpn's manage.c; the protocol is in its management-notes.txt.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from tyst.core.transient import Transient

MAX_LINE = 4096
"""Bytes; openvpn's own lines stay well below. A longer one is dropped whole, and spoils the login it belongs to."""

COMMAND_BYTES = 1000
"""openvpn drops what it has read of a command line when it grows to 1024 bytes (command_line_add in manage.c)."""


class Framing(Enum):
    """How a program marks data packets as 'not compressed', of its own accord or not at all (NONE: or it can't)."""

    NONE = ""
    LZO = "comp-lzo no"
    STUB = "compress stub-v2"


@dataclass(frozen=True)
class Login:
    """Somebody knocks (`Connect`) or renegotiates (`Reauth`). `bucket`: where the limiter counts the address, or 0.

    `framing`: the best that the program announced (IV_ variables, openvpn(8), --push-peer-info).
    """

    cid: int
    kid: int
    username: Transient[str]
    password: Transient[str]
    bucket: int = 0
    framing: Framing = Framing.NONE


@dataclass(frozen=True)
class Connect(Login):
    """A new client asks to be let in: answer with `client_auth` or `client_deny`."""


@dataclass(frozen=True)
class Reauth(Login):
    """A connected client negotiates new keys and sends its login again."""


@dataclass(frozen=True)
class Unreadable:
    """A login that lacks its name or password, has one twice, or isn't UTF-8: nothing in it can be trusted; deny it."""

    cid: int
    kid: int


@dataclass(frozen=True)
class Established:
    cid: int


@dataclass(frozen=True)
class Disconnect:
    cid: int


@dataclass(frozen=True)
class Address:
    """openvpn has begun to route a tunnel address to this client. Which one isn't kept: the door drew it itself."""

    cid: int


@dataclass(frozen=True)
class Hold:
    """openvpn waits for `HOLD_RELEASE` before it opens its port."""


@dataclass(frozen=True)
class State:
    """The server process itself changed its state, such as CONNECTED."""

    name: str


@dataclass(frozen=True)
class Reply:
    """openvpn took (`done`) or refused the oldest command that it hasn't answered yet."""

    done: bool


@dataclass(frozen=True)
class Listed:
    """One line of the answer to `STATUS`: somebody is there, perhaps in the middle of a handshake. Not who."""


@dataclass(frozen=True)
class ListEnd:
    """The answer to `STATUS` is complete."""


@dataclass(frozen=True)
class Fatal:
    """openvpn is about to exit. Its reason isn't kept: it may quote its configuration."""


Event = (
    Connect | Reauth | Unreadable | Established | Disconnect | Address | Hold | State | Reply | Listed | ListEnd | Fatal
)

_HEAD = re.compile(rb">CLIENT:([A-Z_]{1,16}),([0-9]{1,19})(?:,([0-9]{1,10}))?(?:,.*)?")
_STATE = re.compile(rb">STATE:[0-9]{1,19},([A-Z_]{1,24})(?:,.*)?")
_ENV = b">CLIENT:ENV,"
_ADDRESSES = (b"untrusted_ip", b"untrusted_ip6")
_FRAMINGS = {b"IV_COMP_STUBv2": Framing.STUB, b"IV_LZO_STUB": Framing.LZO, b"IV_LZO": Framing.LZO}


class _Block:
    """One notification with its environment, while its lines come in. Keeps what `Login` has, and drops the rest."""

    __slots__ = ("_bucket", "_cid", "_framing", "_kid", "_kind", "_spoilt", "_values")

    def __init__(self, kind: bytes, cid: int, kid: int | None) -> None:
        self._kind, self._cid, self._kid = kind, cid, kid
        self._values: dict[bytes, Transient[str]] = {}
        self._bucket = 0
        self._framing = Framing.NONE
        self._spoilt = False

    def spoil(self) -> None:
        self._spoilt = True

    def take(self, entry: bytes, bucket_of: Callable[[str], int]) -> None:
        """One `name=value` of the environment."""
        if self._kind not in (b"CONNECT", b"REAUTH"):
            return
        name, _, value = entry.partition(b"=")
        if name in _ADDRESSES:
            self._bucket = bucket_of(value.decode("ascii", "replace"))
        elif name in (b"username", b"password"):
            self._keep(name, value)
        elif value == b"1" and name in _FRAMINGS and self._framing is not Framing.STUB:
            self._framing = _FRAMINGS[name]

    def _keep(self, name: bytes, value: bytes) -> None:
        if name in self._values:
            self._spoilt = True
        try:
            self._values[name] = Transient(value.decode())
        except UnicodeDecodeError:
            self._spoilt = True

    def event(self) -> Event | None:
        """What the whole notification says."""
        if self._kind == b"ESTABLISHED":
            return Established(self._cid)
        if self._kind == b"DISCONNECT":
            return Disconnect(self._cid)
        if self._kind not in (b"CONNECT", b"REAUTH") or self._kid is None:
            return None
        name, password = self._values.get(b"username"), self._values.get(b"password")
        if self._spoilt or name is None or password is None:
            return Unreadable(self._cid, self._kid)
        form = Connect if self._kind == b"CONNECT" else Reauth
        return form(self._cid, self._kid, name, password, self._bucket, self._framing)


class Parser:
    """Turns the byte stream from openvpn into events, however it is cut. Never raises; keeps one line and one block.

    `bucket_of` gets a login's address as text and answers the limiter's bucket; the address goes nowhere else.
    """

    def __init__(self, bucket_of: Callable[[str], int] = lambda _: 0) -> None:
        self._bucket_of = bucket_of
        self._line = bytearray()
        self._skipping = False
        self._block: _Block | None = None

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete, in order."""
        events: list[Event] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            events += self._end_line(piece)
        self._grow(rest)
        return events

    def _grow(self, piece: bytes) -> None:
        if not self._skipping:
            self._line += piece[: MAX_LINE + 1]
            self._skipping = len(self._line) > MAX_LINE
        if self._skipping:
            self._line.clear()

    def _end_line(self, piece: bytes) -> list[Event]:
        self._grow(piece)
        line, skipped = bytes(self._line), self._skipping
        self._line.clear()
        self._skipping = False
        if skipped:
            if self._block is not None:
                self._block.spoil()
            return []
        return self._read(line.rstrip(b"\r"))

    def _read(self, line: bytes) -> list[Event]:
        if line.startswith(_ENV):
            return self._environment(line[len(_ENV) :])
        ended = self._cut_short() if self._block is not None and line.startswith(b">") else []
        head = _HEAD.fullmatch(line)
        if head is None:
            return ended + _simple(line)
        kind, cid, kid = head[1], int(head[2]), head[3]
        if kind == b"ADDRESS":
            return [*ended, Address(cid)]
        self._block = _Block(kind, cid, None if kid is None else int(kid))
        return ended

    def _environment(self, entry: bytes) -> list[Event]:
        if self._block is None:
            return []
        if entry != b"END":
            self._block.take(entry, self._bucket_of)
            return []
        event, self._block = self._block.event(), None
        return [] if event is None else [event]

    def _cut_short(self) -> list[Event]:
        """Another notification inside a block: openvpn never does that, so the login counts as unreadable."""
        assert self._block is not None
        self._block.spoil()
        event, self._block = self._block.event(), None
        return [] if event is None else [event]


def _simple(line: bytes) -> list[Event]:
    if line.startswith((b"SUCCESS:", b"ERROR:")):
        return [Reply(line.startswith(b"SUCCESS:"))]
    if line.startswith(b">HOLD:"):
        return [Hold()]
    if line.startswith(b"CLIENT_LIST\t"):
        return [Listed()]
    if line == b"END":
        return [ListEnd()]
    if line.startswith(b">FATAL:"):
        return [Fatal()]
    state = _STATE.fullmatch(line)
    return [] if state is None else [State(state[1].decode())]


HOLD_RELEASE = b"hold release\n"
STATE_ON = b"state on\n"
STATUS = b"status 3\n"
STOP = b"signal SIGTERM\n"

_OPTION = re.compile(r"[A-Za-z0-9 \"./:,_-]+")
_REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9 :,_\[\]-]{0,99}")


class CommandError(ValueError):
    """A command that could be read as another one. Says the rule, never the text."""


def client_auth(cid: int, kid: int, options: Iterable[str] = ()) -> bytes:
    """Lets a client in, with options of its own (as a client-connect script would give)."""
    lines = [f"client-auth {_number(cid)} {_number(kid)}", *map(_option, options), "END"]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def client_deny(cid: int, kid: int, reason: str) -> bytes:
    """Refuses a login; the client shows `reason` behind AUTH_FAILED."""
    if not _REASON.fullmatch(reason):
        raise CommandError("a reason is a short line of plain words: it is shown at the client and quoted on the way")
    return f'client-deny {_number(cid)} {_number(kid)} "-" "{reason}"\n'.encode("ascii")


def client_kill(cid: int, *, halt: bool = False) -> bytes:
    """Ends a tunnel. The client is told to connect anew and learns the reason there, or with `halt` to exit.

    Packets stop within 0.2 s; the Disconnect event comes about 5 s later (send_restart in push.c).
    """
    return f"client-kill {_number(cid)}{' HALT' if halt else ''}\n".encode("ascii")


def temporary(reason: str, *, backoff: int, elsewhere: bool = False) -> str:
    """A reason that passes by itself: the client keeps its password and tries again after `backoff` seconds (2.6+).

    `elsewhere`: at the next remote of its profile.
    """
    advance = ",advance remote" if elsewhere else ""
    return f"TEMP[backoff {_number(backoff)}{advance}]:{reason}"


def _option(line: str) -> str:
    if not _OPTION.fullmatch(line) or line == "END" or len(line) > COMMAND_BYTES:
        raise CommandError("an option for a client is one line of plain characters")
    return line


def _number(value: int) -> int:
    if not 0 <= value < 1 << 64:
        raise CommandError("client and key numbers are positive")
    return value
