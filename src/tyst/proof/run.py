"""One proof over a set of hosts: control first, then as many scans as the journey has phases.

Marks, decoys and their patterns live in this process alone, and it is none of the hosts'. What drives the journey
(`./tyst proof`) makes a Proof, sends the marks through the provider, and calls `scan` when all is closed.
"""

from collections.abc import Iterator, Sequence

from tyst.core.residue import Mark
from tyst.core.residue_encodings import scan_set_of
from tyst.proof.allowed import Allowed
from tyst.proof.control import Control, ControlResult
from tyst.proof.engine import Engine
from tyst.proof.machine import HostLike
from tyst.proof.report import Report, make_report
from tyst.proof.search import search_all
from tyst.proof.surfaces import Surface, machine_surfaces, surfaces, uncovered
from tyst.proof.writes import Writes


class Proof:
    """`marks` are the run's with their decoys (`Seed.all`); `controls` says how to control, `allowed` what may stay."""

    def __init__(
        self,
        hosts: Sequence[HostLike],
        marks: Sequence[Mark],
        controls: Control | None = None,
        allowed: Allowed | None = None,
    ) -> None:
        self._hosts = tuple(hosts)
        self._marks = tuple(marks)
        self._controls = controls or Control()
        self._allowed = allowed or Allowed()
        self._result: ControlResult | None = None

    def control(self) -> ControlResult:
        """Run the positive control, once; later calls give the same result. Raises ControlFailed."""
        if self._result is None:
            self._result = self._controls.run(self._hosts)
        return self._result

    def scan(self, phase: str, writes: Writes | None = None) -> Report:
        """Search every surface of every host for the marks. `phase` is a word for the report ('closed', 'restart')."""
        control = self.control()
        for host in self._hosts:
            host.sync()
        findings = search_all(Engine(scan_set_of(self._marks)), self._surfaces())
        blind = [f"{host.name}: {point}" for host in self._hosts for point in uncovered(host)]
        return make_report(phase, findings, control, self._allowed, writes, blind)

    def _surfaces(self) -> Iterator[Surface]:
        for host in self._hosts:
            yield from surfaces(host)
        yield from machine_surfaces()
