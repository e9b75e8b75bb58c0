"""The positive control finds what it plants on every surface of a host, and fails when one spelling is forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tyst.core.residue import Mark, MarkKind, scan_set
from tyst.core.residue_encodings import encodings, scan_set_of
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.proof import surfaces as surfaces_module
from tyst.proof.control import Control, ControlFailed, Family
from tyst.proof.engine import Engine
from tyst.proof.marks import Draw
from tyst.proof.promises import PROMISED
from tyst.proof.search import search_all
from tyst.proof.surfaces import SurfaceKind, surfaces

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.build(hosts=["se-sto", "control"]) as built:
        yield built


@pytest.fixture
def node(lab: Lab) -> Host:
    return lab["se-sto"]


def test_everything_planted_is_found_on_every_kind_of_surface_of_every_host(lab: Lab) -> None:
    result = Control().run([lab["se-sto"], lab["control"]])
    assert [f"{plant.mark.name} as {plant.encoding} {plant.where}" for plant in result.missed] == []
    assert {plant.room for plant in result.planted} == {"se-sto", "control", "machine"}
    assert {plant.kind for plant in result.planted} == set(SurfaceKind)
    per_kind = {kind: {p.mark.kind for p in result.planted if p.kind is kind} for kind in SurfaceKind}
    for kind in set(SurfaceKind) - {SurfaceKind.TABLE, SurfaceKind.KERNEL_LOG}:
        assert per_kind[kind] == set(MarkKind)


def test_each_encoding_of_each_kind_of_mark_is_planted_somewhere(node: Host) -> None:
    family = Family(Draw(), node.name)
    planted = {(m.kind, name) for m, name, _ in family.texts(SurfaceKind.MEMORY, encodings)}
    assert planted == {(m.kind, name) for m in family.marks() for name in encodings(m) if m.name.count(".memory.")}


@pytest.mark.parametrize(
    ("kind", "forgotten"), [(kind, name) for kind, names in PROMISED.items() for name in sorted(names)[::9]]
)
def test_the_control_fails_when_an_encoding_disappears_from_the_table(kind: MarkKind, forgotten: str) -> None:
    def shorter(mark: Mark) -> dict[str, bytes]:
        return {name: data for name, data in encodings(mark).items() if (mark.kind, name) != (kind, forgotten)}

    family = Family(Draw(), "se-sto")
    assert family.broken_promises(encodings) == []
    assert {(p.mark.kind, p.encoding) for p in family.broken_promises(shorter)} == {(kind, forgotten)}


def test_a_table_without_hexadecimal_fails_the_whole_control(node: Host) -> None:
    control = Control(tables=False, encoder=lambda m: {n: d for n, d in encodings(m).items() if "hex" not in n})
    assert not control.run([node]).passed


@pytest.mark.parametrize("forgotten", ["text", "raw-le", "text-base64-2", "utf16le", "wire", "raw-hex-upper"])
def test_the_control_fails_when_the_search_forgets_one_encoding(node: Host, forgotten: str) -> None:
    def forgetful(marks: object) -> Engine:
        forms = ((m, name, data) for m in marks for name, data in encodings(m).items() if name != forgotten)  # type: ignore[attr-defined]
        return Engine(scan_set(forms))

    result = Control(tables=False).run([node], forgetful)
    assert not result.passed
    assert {plant.encoding for plant in result.missed} == {forgotten}


@pytest.mark.parametrize("lister", surfaces_module.LISTERS)
def test_the_control_fails_when_a_surface_is_not_looked_at(
    node: Host, lister: surfaces_module.Lister, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = tuple(each for each in surfaces_module.LISTERS if each is not lister)
    monkeypatch.setattr(surfaces_module, "LISTERS", rest)
    assert not Control().run([node]).passed


def test_the_control_takes_everything_with_a_name_away(node: Host) -> None:
    control, family = Control(), Family(Draw(), node.name)
    engine = Engine(scan_set_of(family.marks()))
    with control.planted(node, family) as plants:
        assert len(plants) > 1500
    found = search_all(engine, surfaces(node))
    left = {surface.kind for surface, *_ in found.hits()}
    assert left <= {SurfaceKind.IMAGE}  # free blocks of the disk keep the deleted files' values, as they should
    assert node.pids() == [node.pid]


def test_a_control_that_cannot_be_planted_says_where_and_not_what(node: Host) -> None:
    with pytest.raises(ControlFailed, match=r"could not be planted in se-sto \(FileNotFoundError\)"):
        Control(disk="/nowhere").run([node])
    assert node.pids() == [node.pid]


def test_a_folder_outside_disk_and_ram_is_reported_as_not_covered(node: Host, tmp_path: Path) -> None:
    assert surfaces_module.uncovered(node) == []
    with Lab.build(hosts=["control"]) as other:
        theirs = other["control"]
        mine = _View(theirs, disk=node.disk)
        assert "/" in surfaces_module.uncovered(mine)


class _View:
    """A host that claims another disk than the one that it writes to."""

    def __init__(self, host: Host, disk: Path) -> None:
        self.name, self.pid, self.disk, self.image = host.name, host.pid, disk, host.image
        self.pids, self.sync, self.sectors_written = host.pids, host.sync, host.sectors_written
