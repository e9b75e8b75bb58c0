"""What the inventory may excuse, and what not."""

import pytest

from tyst.core.residue import MarkKind
from tyst.proof.allowed import Allowed, InventoryError, parse
from tyst.proof.sources import BytesSource
from tyst.proof.surfaces import Surface, SurfaceKind

ENTRY = {"process": "unbound", "marks": ["name"], "lifetime": "until restart (daily)", "why": "its cache"}


def surface(process: str = "unbound", kind: SurfaceKind = SurfaceKind.MEMORY) -> Surface:
    return Surface(f"{process} (7)", "se-sto", kind, lambda: BytesSource(b""), process)


def test_a_declared_remainder_is_excused_with_its_lifetime() -> None:
    entry = parse({"remainder": [ENTRY]}).excuse(surface(), MarkKind.NAME)
    assert entry is not None
    assert entry.lifetime == "until restart (daily)"


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        (surface(), MarkKind.ADDRESS4),
        (surface(process="openvpn"), MarkKind.NAME),
        (surface(kind=SurfaceKind.FILE), MarkKind.NAME),
        (surface(kind=SurfaceKind.TABLE), MarkKind.NAME),
        (surface(kind=SurfaceKind.ENVIRONMENT), MarkKind.NAME),
    ],
)
def test_another_mark_process_or_place_is_not_excused(where: Surface, kind: MarkKind) -> None:
    assert parse({"remainder": [ENTRY]}).excuse(where, kind) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"process": ""}, "names no process"),
        ({"lifetime": " "}, "nothing under lifetime"),
        ({"why": ""}, "nothing under why"),
        ({"marks": []}, "marks must be some of"),
        ({"marks": ["shoe size"]}, "marks must be some of"),
    ],
)
def test_an_entry_that_says_too_little_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(InventoryError, match=said):
        parse({"remainder": [{**ENTRY, **change}]})


def test_a_remainder_with_seconds_is_excused_no_longer_than_that() -> None:
    allowed = parse({"remainder": [{**ENTRY, "seconds": 360}]})
    assert allowed.after(360).excuse(surface(), MarkKind.NAME)
    assert allowed.after(361).excuse(surface(), MarkKind.NAME) is None
    with pytest.raises(InventoryError, match="seconds"):
        parse({"remainder": [{**ENTRY, "seconds": "soon"}]})


def test_what_a_room_of_ours_keeps_in_ram_excuses_nothing() -> None:
    told = {"room": "node", "what": "keys of open tunnels", "purpose": "the tunnels", "lifetime": "180 seconds"}
    assert parse({"memory": [told]}) == Allowed()


def test_an_inventory_without_such_entries_excuses_nothing() -> None:
    assert parse({}) == Allowed()
