"""The positive control: before 'nothing found' means anything, something planted must be found, everywhere.

For each host, marks of every kind are drawn and planted in every encoding on every kind of surface: a file, a file
name, a deleted file's blocks, a RAM disk, a deleted file held open, a process's memory, arguments and environment, and
entries of the kernel's tables. Each kind of surface has marks of its own, so that finding the file does not hide that
the deleted file was missed. Then the surfaces are searched as in the real scan, and all is taken away. What is left in
the disk's free space afterwards are values of this run's control, which no later scan looks for.

A surface carries what it can: no NUL in arguments, no slash in file names, in tables the spelling of the kernel.
Counterparts: `control_helper` (inside the host) and `run` (which refuses to report without a control that passed).
"""

import base64
import contextlib
import ipaddress
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import encodings, scan_set_of
from tyst.proof import control_helper
from tyst.proof.engine import Engine
from tyst.proof.machine import HostLike, start_inside
from tyst.proof.marks import Draw
from tyst.proof.promises import PROMISED
from tyst.proof.search import Findings, search_all
from tyst.proof.surfaces import MACHINE, Surface, SurfaceKind, machine_surfaces, surfaces

Encoder = Callable[[Mark], Mapping[str, bytes]]
_NET4, _NET6 = ipaddress.IPv4Network("198.18.0.0/15"), ipaddress.IPv6Network("2001:db8:7979::/48")
WHOLE = (
    SurfaceKind.FILE, SurfaceKind.RAM_FILE, SurfaceKind.IMAGE, SurfaceKind.UNLINKED, SurfaceKind.MEMORY,
    SurfaceKind.NAMES, SurfaceKind.ARGUMENTS, SurfaceKind.ENVIRONMENT,
)  # fmt: skip
"""Kinds of surface that get marks of every kind in every encoding that they can carry."""


class ControlFailed(Exception):
    """The control could not be planted. Says in which host and which step; the values are not in it."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One value in one encoding that was planted and must be found: on surfaces of this kind whose name has `where`."""

    room: str
    kind: SurfaceKind
    where: str
    mark: Mark
    encoding: str


@dataclass(frozen=True)
class ControlResult:
    """What was planted and what of it was not found."""

    planted: tuple[Plant, ...]
    missed: tuple[Plant, ...]

    @property
    def found(self) -> int:
        return len(self.planted) - len(self.missed)

    @property
    def passed(self) -> bool:
        return bool(self.planted) and not self.missed


@dataclass(frozen=True)
class Control:
    """How to control. `tables` off leaves the kernel's tables out, for a host that has no network of its own.

    `encoder` makes what is planted; what it lacks of the promised encodings counts as planted and missed.
    """

    tables: bool = True
    disk: str = control_helper.DISK_FOLDER
    ram: str = control_helper.RAM_FOLDER
    encoder: Encoder = encodings

    def run(self, hosts: Sequence[HostLike], scan: Callable[[Iterable[Mark]], Engine] | None = None) -> ControlResult:
        """Plant, search and clean up in each host, then in the log of the machine. Raises ControlFailed."""
        engine_for = scan or (lambda marks: Engine(scan_set_of(marks)))
        planted: list[Plant] = []
        missed: list[Plant] = []
        for host in hosts:
            family = Family(Draw(), host.name)
            with self.planted(host, family) as plants:
                found = search_all(engine_for(family.marks()), surfaces(host))
            broken = family.broken_promises(self.encoder)
            planted += [*plants, *broken]
            missed += [*_missed(plants, found), *broken]
        log = self._log()
        return ControlResult((*planted, *log.planted), (*missed, *log.missed))

    @contextlib.contextmanager
    def planted(self, host: HostLike, family: "Family") -> Iterator[list[Plant]]:
        """While the block runs, the family's marks lie on every surface of the host."""
        texts = {kind: family.texts(kind, self.encoder) for kind in WHOLE}
        child = _helper(host, texts)
        try:
            _tell(host, child, _job(self, family, texts))
            host.sync()
            yield [*family.whole_plants(texts), *(family.table_plants() if self.tables else [])]
        finally:
            _end(child)

    def _log(self) -> ControlResult:
        mark = Mark("control.machine.log", MarkKind.TEXT, Draw().payload())
        try:
            Path("/dev/kmsg").write_bytes(b"<7>tyst control " + encodings(mark)["text"] + b"\n")
        except OSError as error:
            raise ControlFailed(f"the kernel's log can't be written: {error.strerror}; run as root") from None
        plant = Plant(MACHINE, SurfaceKind.KERNEL_LOG, "dmesg", mark, "text")
        found = search_all(Engine(scan_set_of([mark])), machine_surfaces())
        return ControlResult((plant,), tuple(_missed([plant], found)))


def _missed(plants: Iterable[Plant], found: Findings) -> list[Plant]:
    return [
        plant
        for plant in plants
        if not any(_is_at(plant, surface) for surface in found.where(plant.mark, plant.encoding))
    ]


def _is_at(plant: Plant, surface: Surface) -> bool:
    return surface.room == plant.room and surface.kind is plant.kind and plant.where in surface.name


Texts = dict[SurfaceKind, list[tuple[Mark, str, bytes]]]


class Family:
    """The control marks of one host: one of each kind for every kind of surface, and those for the tables."""

    def __init__(self, draw: Draw, room: str) -> None:
        self._room = room
        self._draw = draw
        self._whole = {kind: self._of_each_kind(f"control.{room}.{kind}") for kind in WHOLE}
        self.tables = {
            table: self._addresses(f"control.{room}.{table}")
            for table in ("neighbours", "routes", "flows", "rules", "sockets")
        }

    def _of_each_kind(self, name: str) -> list[Mark]:
        draw = self._draw
        values: dict[MarkKind, str | bytes] = {
            MarkKind.ADDRESS4: draw.address4(_NET4),
            MarkKind.ADDRESS6: draw.address6(_NET6),
            MarkKind.MAC: draw.mac(),
            MarkKind.NAME: draw.name(),
            MarkKind.TEXT: f"{draw.user_agent()} & \"{draw.payload()}\" 'é/'",
            MarkKind.KEY: draw.key(),
            MarkKind.TOKEN: draw.key() + draw.key(),
        }
        return [Mark(f"{name}.{kind}", kind, value) for kind, value in values.items()]

    def _addresses(self, name: str) -> dict[str, Mark]:
        draw = self._draw
        return {
            "address4": Mark(f"{name}.address4", MarkKind.ADDRESS4, draw.address4(_NET4)),
            "address4-other": Mark(f"{name}.address4-other", MarkKind.ADDRESS4, draw.address4(_NET4)),
            "address6": Mark(f"{name}.address6", MarkKind.ADDRESS6, draw.address6(_NET6)),
            "address6-other": Mark(f"{name}.address6-other", MarkKind.ADDRESS6, draw.address6(_NET6)),
            "mac": Mark(f"{name}.mac", MarkKind.MAC, draw.mac()),
        }

    def marks(self) -> list[Mark]:
        """Every mark of the family."""
        whole = [mark for marks in self._whole.values() for mark in marks]
        return [*whole, *(mark for table in self.tables.values() for mark in table.values())]

    def texts(self, kind: SurfaceKind, encoder: Encoder) -> list[tuple[Mark, str, bytes]]:
        """(mark, encoding, bytes) of all that this kind of surface can carry."""
        forms = [(mark, name, data) for mark in self._whole[kind] for name, data in encoder(mark).items()]
        return [form for form in forms if _carries(kind, form[2])]

    def whole_plants(self, texts: Texts) -> list[Plant]:
        return [Plant(self._room, kind, "", mark, name) for kind, forms in texts.items() for mark, name, _ in forms]

    def broken_promises(self, encoder: Encoder) -> list[Plant]:
        """The promised encodings that the table does not make any more."""
        kind = SurfaceKind.MEMORY
        lacking = [(mark, PROMISED[mark.kind] - set(encoder(mark))) for mark in self._whole[kind]]
        return [Plant(self._room, kind, "", mark, name) for mark, names in lacking for name in sorted(names)]

    def table_plants(self) -> list[Plant]:
        """What must be found in the kernel's tables, in the spellings that the kernel and its programs use."""
        return [
            Plant(self._room, SurfaceKind.TABLE, where, self.tables[table][name], encoding)
            for table, name, where, encoding in _IN_TABLES
        ]


_IN_TABLES = (
    ("neighbours", "address4", "neigh", "text"),
    ("neighbours", "address6", "neigh", "text"),
    ("neighbours", "mac", "neigh", "text"),
    ("neighbours", "address4", "/proc/net/arp", "text"),
    ("routes", "address4", "route show table all", "text"),
    ("routes", "address6", "route show table all", "text"),
    ("routes", "address6", "/proc/net/ipv6_route", "raw-hex"),
    ("flows", "address4", "conntrack -L -f ipv4", "text"),
    ("flows", "address4-other", "conntrack -L -f ipv4", "text"),
    ("flows", "address6", "conntrack -L -f ipv6", "text"),
    ("flows", "address6-other", "conntrack -L -f ipv6", "text"),
    ("flows", "address4", "/proc/net/nf_conntrack", "text"),
    ("flows", "address6", "/proc/net/nf_conntrack", "exploded"),
    ("rules", "address4", "nft list", "text"),
    ("rules", "address6", "nft list", "text"),
    ("rules", "mac", "nft list", "text"),
    ("sockets", "address4", "ss -tanu", "text"),
    ("sockets", "address6", "ss -tanu", "text"),
    ("sockets", "address4", "/proc/net/udp", "raw-le-hex-upper"),
    ("sockets", "address6", "/proc/net/udp6", "words-hex-upper"),
)


def _carries(kind: SurfaceKind, data: bytes) -> bool:
    if kind in (SurfaceKind.ARGUMENTS, SurfaceKind.ENVIRONMENT):
        return b"\0" not in data
    if kind is SurfaceKind.NAMES:
        return b"\0" not in data and b"/" not in data and len(data) < 256
    return True


def _helper(host: HostLike, texts: Texts) -> "subprocess.Popen[bytes]":
    source = resources.files("tyst.proof").joinpath("control_helper.py").read_text(encoding="utf-8")
    arguments = [data for _, _, data in texts[SurfaceKind.ARGUMENTS]]
    values = (data for _, _, data in texts[SurfaceKind.ENVIRONMENT])
    environment = {b"CONTROL%d" % number: data for number, data in enumerate(values)}
    path = {b"PATH": b"/usr/sbin:/usr/bin:/sbin:/bin"}
    return start_inside(host.pid, [sys.executable, "-I", "-B", "-c", source, *arguments], {**environment, **path})


def _job(control: Control, family: Family, texts: Texts) -> dict[str, object]:
    def together(kind: SurfaceKind) -> str:
        return base64.b64encode(b"\n".join([b"", *(data for _, _, data in texts[kind]), b""])).decode()

    whole = {kind.value: together(kind) for kind in WHOLE[:5]}
    names = [base64.b64encode(data).decode() for _, _, data in texts[SurfaceKind.NAMES]]
    tables = {table: {name: mark.value for name, mark in marks.items()} for table, marks in family.tables.items()}
    return {**whole, **tables, "names": names, "tables": control.tables, "disk": control.disk, "ram": control.ram}


def _tell(host: HostLike, child: "subprocess.Popen[bytes]", job: dict[str, object]) -> None:
    assert child.stdin and child.stdout and child.stderr
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.flush()
    if child.stdout.readline() != b"ready\n":
        child.stdin.close()
        lines = child.stderr.read().decode(errors="replace").strip().splitlines()
        kind = lines[-1].split(":", 1)[0] if lines else "no output"
        raise ControlFailed(f"the control could not be planted in {host.name} ({kind})")


def _end(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdin and child.stdout and child.stderr
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    try:
        child.wait(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()
    child.stderr.close()
