"""The values of one run: marks that the journey sends through the provider, and decoys that it never sends.

Drawn anew for every run, so that a hit belongs to this run, and kept in the memory of the driving process alone. Bytes
that occur everywhere (0, 255, printable ones) are avoided in addresses, because an address has only four of them. The
addresses of people come from the lab's networks; everything else is free. Counterpart: `control`, which draws its own.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from tyst.core.residue import Mark, MarkKind


def quiet(byte: int) -> bool:
    """Is this byte uncommon in programs and texts: neither 0, 255, white space nor printable ASCII?"""
    return byte not in (0, 9, 10, 13, 255) and not 0x20 <= byte < 0x7F


QUIET = bytes(byte for byte in range(256) if quiet(byte))
SYLLABLES = ["ba", "de", "fi", "go", "hu", "ja", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "ya", "ze"]


class OutOfAddresses(Exception):
    """The network has no address left that is not taken."""


class Draw:
    """Draws values, never the same one twice. `random_source` is the system's unless a test wants a repeatable run."""

    def __init__(self, random_source: random.Random | None = None, taken: Iterable[str] = ()) -> None:
        self._random = random_source or random.SystemRandom()
        self._taken = set(taken)

    def _fresh(self, draw: Callable[[], str], tries: int = 4096) -> str:
        for _ in range(tries):
            value = draw()
            if value not in self._taken:
                self._taken.add(value)
                return value
        raise OutOfAddresses("no value left to draw: use a larger network or fewer people")

    def hexadecimal(self, digits: int) -> str:
        """That many random hex digits."""
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def _quiet_bytes(self, fixed: bytes, bits: int) -> bytes:
        """`fixed` with all but its first `bits` bits drawn again: quiet bytes where a whole byte is free."""
        whole = -(-bits // 8)
        tail = bytes(self._random.choice(QUIET) for _ in range(len(fixed) - whole))
        split = bytes((self._mixed(fixed[whole - 1], bits % 8),)) if bits % 8 else fixed[whole - 1 : whole]
        return fixed[: whole - 1] + split + tail if whole else tail

    def _mixed(self, byte: int, kept: int) -> int:
        low = (1 << (8 - kept)) - 1
        return byte & ~low | self._random.getrandbits(8 - kept)

    def address4(self, network: IPv4Network) -> str:
        """A host address of a network. Raises OutOfAddresses."""

        def draw() -> str:
            return str(IPv4Address(self._quiet_bytes(network.network_address.packed, network.prefixlen)))

        return self._fresh(draw)

    def address6(self, network: IPv6Network) -> str:
        """A host address of a network. Raises OutOfAddresses."""

        def draw() -> str:
            return str(IPv6Address(self._quiet_bytes(network.network_address.packed, network.prefixlen)))

        return self._fresh(draw)

    def mac(self) -> str:
        """A locally administered unicast address, 02:…, with a letter in it: upper and lower case differ."""
        return self._fresh(lambda: (b"\x02\xfd" + self._quiet_bytes(bytes(4), 0)).hex(":"))

    def name(self) -> str:
        """A DNS name that nobody else asks for."""
        return self._fresh(lambda: f"{self.hexadecimal(24)}.probe.test")

    def user_agent(self) -> str:
        """A browser's name as sites see it, with a number that exists once."""
        return self._fresh(lambda: f"Mozilla/5.0 (X11; Tyst probe) Probe/{self.hexadecimal(16)}")

    def username(self) -> str:
        """A name that the sign-up form takes: letters and digits, not starting with 'vpn'."""
        return self._fresh(lambda: "".join(self._random.choices(SYLLABLES, k=3)) + self.hexadecimal(10))

    def password(self) -> str:
        """A password of 28 characters."""
        return self._fresh(lambda: f"Pw-{self.hexadecimal(24)}!")

    def payload(self) -> str:
        """A marker for the inside of a request or an answer, 40 characters."""
        return self._fresh(lambda: f"payload-{self.hexadecimal(32)}")

    def key(self) -> bytes:
        """32 random bytes."""
        return self._random.randbytes(32)


@dataclass(frozen=True)
class Seed:
    """The marks of a run, by name, and their decoys."""

    marks: tuple[Mark, ...]
    decoys: tuple[Mark, ...]

    @property
    def all(self) -> tuple[Mark, ...]:
        """What the scan looks for."""
        return self.marks + self.decoys

    def text(self, name: str) -> str:
        """The value of the text mark with this name. Raises KeyError."""
        for mark in self.marks:
            if mark.name == name and isinstance(mark.value, str):
                return mark.value
        raise KeyError(name)

    def joined(self, *marks: Mark) -> "Seed":
        """With marks that became known on the way (a device's key, a session's token)."""
        return Seed((*self.marks, *marks), self.decoys)


@dataclass(frozen=True, slots=True)
class Places:
    """Where addresses are drawn: the networks of the clients, and what is already in use there."""

    network4: IPv4Network
    network6: IPv6Network
    taken: tuple[str, ...] = ()


def draw_seed(people: Sequence[str], places: Places, random_source: random.Random | None = None) -> Seed:
    """Marks for each person, and a decoy for each mark: named 'alice.user_agent', 'decoy.alice.user_agent'."""
    draw = Draw(random_source, places.taken)
    marks = [mark for person in people for mark in _of_person(draw, places, person, decoy=False)]
    decoys = [mark for person in people for mark in _of_person(draw, places, f"decoy.{person}", decoy=True)]
    return Seed(tuple(marks), tuple(decoys))


def _of_person(draw: Draw, places: Places, person: str, *, decoy: bool) -> list[Mark]:
    values: list[tuple[str, MarkKind, str]] = [
        ("address4", MarkKind.ADDRESS4, draw.address4(places.network4)),
        ("address6", MarkKind.ADDRESS6, draw.address6(places.network6)),
        ("mac", MarkKind.MAC, draw.mac()),
        ("name1", MarkKind.NAME, draw.name()),
        ("name2", MarkKind.NAME, draw.name()),
        ("user_agent", MarkKind.TEXT, draw.user_agent()),
        ("username", MarkKind.TEXT, draw.username()),
        ("password", MarkKind.TEXT, draw.password()),
        ("payload_up", MarkKind.TEXT, draw.payload()),
        ("payload_down", MarkKind.TEXT, draw.payload()),
    ]
    return [Mark(f"{person}.{name}", kind, value, decoy) for name, kind, value in values]
