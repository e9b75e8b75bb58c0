"""What a report says, and when it passes."""

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.proof.allowed import Allowed, Memory
from tyst.proof.control import ControlResult, Plant
from tyst.proof.engine import Engine
from tyst.proof.fanotify import Touch
from tyst.proof.machine import LookFailed
from tyst.proof.report import Report, make_report
from tyst.proof.search import search_all
from tyst.proof.sources import BytesSource, Source, SourceGone
from tyst.proof.surfaces import Surface, SurfaceKind
from tyst.proof.writes import Writes

ALICE = Mark("alice.username", MarkKind.TEXT, "alice-was-here")
DECOY = Mark("decoy.alice.username", MarkKind.TEXT, "nobody-was-here", decoy=True)
PLANT = Plant("se-sto", SurfaceKind.FILE, "", Mark("control", MarkKind.TEXT, "control-text"), "text")
CONTROL = ControlResult((PLANT,), ())
UNBOUND = Allowed((Memory("unbound", frozenset({MarkKind.TEXT}), "until restart", "its cache"),))


def memory(text: bytes, process: str = "unbound") -> Surface:
    return Surface(f"{process} (7)", "se-sto", SurfaceKind.MEMORY, lambda: BytesSource(text), process)


def report(
    *surfaces: Surface, control: ControlResult = CONTROL, allowed: Allowed | None = None,
    writes: Writes | None = None, uncovered: tuple[str, ...] = (),
) -> Report:  # fmt: skip
    findings = search_all(Engine(scan_set_of([ALICE, DECOY])), surfaces)
    return make_report("closed", findings, control, allowed or Allowed(), writes, uncovered)


def failing(error: Exception) -> Callable[[], Source]:
    def fail() -> Source:
        raise error

    return fail


def test_nothing_found_with_a_control_that_passed_is_a_pass() -> None:
    made = report(memory(b"nothing of interest"), writes=Writes({"se-sto": 0}))
    assert made.passed
    assert made.reasons() == []
    assert (made.marks, made.decoys, made.marks_found, made.bytes_written) == (1, 1, 0, 0)


def test_alices_name_in_memory_fails_and_is_named_with_place_and_count_but_not_shown() -> None:
    made = report(memory(b"alice-was-here " * 3))
    assert not made.passed
    assert made.marks_found == 1
    assert made.reasons() == ["alice.username stayed in se-sto: unbound (7) (3 times: text)"]
    assert "alice-was-here" not in made.as_json()


def test_what_the_inventory_allows_is_shown_and_passes() -> None:
    made = report(memory(b"alice-was-here"), allowed=UNBOUND)
    assert made.passed
    assert [(kept.process, kept.count, kept.lifetime) for kept in made.allowed] == [("unbound", 1, "until restart")]


def test_a_decoy_is_never_excused() -> None:
    made = report(memory(b"nobody-was-here"), allowed=UNBOUND)
    assert not made.passed
    assert made.decoy_hits


@pytest.mark.parametrize("control", [ControlResult((PLANT,), (PLANT,)), ControlResult((), ())])
def test_without_a_control_that_passed_nothing_passes(control: ControlResult) -> None:
    made = report(memory(b"nothing"), control=control)
    assert not made.passed
    assert not made.control_found
    assert made.reasons()


def test_a_surface_that_cannot_be_read_fails_and_one_that_vanished_does_not() -> None:
    gone = Surface("gone (8)", "se-sto", SurfaceKind.MEMORY, failing(SourceGone()))
    closed = Surface(
        "nft list ruleset", "se-sto", SurfaceKind.TABLE, failing(LookFailed("nft list ruleset ended with 1"))
    )
    assert report(memory(b"nothing"), gone).passed
    made = report(memory(b"nothing"), closed)
    assert made.reasons() == ["se-sto: nft list ruleset: nft list ruleset ended with 1"]


def test_a_scan_of_nothing_and_a_place_that_nobody_searches_fail() -> None:
    assert report().reasons() == ["nothing was searched"]
    assert report(memory(b"nothing"), uncovered=("se-sto: /srv",)).reasons() == [
        "se-sto: /srv can be written and is not searched"
    ]


def test_written_bytes_fail_and_name_the_file() -> None:
    writes = Writes({"se-sto": 4096, "control": 0}, {"se-sto": (Touch("upper/var/log/auth.log", "modified"),)})
    made = report(memory(b"nothing"), writes=writes)
    assert made.bytes_written == 4096
    assert made.reasons() == ["se-sto: 4096 bytes written: upper/var/log/auth.log (modified)"]


def test_the_report_reads_well_and_parses_as_json() -> None:
    made = report(memory(b"alice-was-here"))
    output = io.StringIO()
    made.show(Console(file=output, width=160))
    assert "FAILED: alice.username stayed in se-sto" in output.getvalue()
    assert "The proof fails: closed." in output.getvalue()
    document = json.loads(made.as_json())
    assert document["passed"] is False
    assert (document["marks_found"], document["control_found"]) == (1, True)
