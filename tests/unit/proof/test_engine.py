"""The search finds everything that was planted, whatever its form and place, and nothing in noise."""

import ipaddress
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import encodings, scan_set_of
from tyst.proof.engine import BLOCK, Engine
from tyst.proof.marks import Places, draw_seed
from tyst.proof.sources import BytesSource, FileSource

PLACES = Places(ipaddress.IPv4Network("198.18.0.0/15"), ipaddress.IPv6Network("2001:db8::/48"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=60)
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40)

marks = st.one_of(
    st.builds(lambda a: Mark("m", MarkKind.ADDRESS4, str(a)), st.ip_addresses(v=4)),
    st.builds(lambda a: Mark("m", MarkKind.ADDRESS6, str(a)), st.ip_addresses(v=6)),
    st.builds(lambda raw: Mark("m", MarkKind.MAC, raw.hex()), st.binary(min_size=6, max_size=6)),
    st.builds(lambda name: Mark("m", MarkKind.NAME, f"{name}.probe.test"), LABELS),
    st.builds(lambda text: Mark("m", MarkKind.TEXT, text), TEXTS),
    st.builds(lambda raw: Mark("m", MarkKind.KEY, raw), st.binary(min_size=32, max_size=32)),
    st.builds(lambda raw: Mark("m", MarkKind.TOKEN, raw), st.binary(min_size=8, max_size=120)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(marks, st.integers(0, 3000))
def test_every_form_of_any_mark_is_found(mark: Mark, distance: int) -> None:
    forms = encodings(mark)
    gap = b"\n" + b"~" * distance + b"\n"
    tally = Engine(scan_set_of([mark])).search(BytesSource(gap + gap.join(forms.values()) + gap))
    scan = scan_set_of([mark])
    assert {scan.patterns[index].encoding for index in tally.counted} == set(forms)


@pytest.mark.parametrize("offset", range(-90, 91, 10))
def test_a_mark_on_the_seam_of_two_blocks_is_found_once(offset: int) -> None:
    mark = Mark("alice", MarkKind.TEXT, "alice was here, in plain text")
    data = bytearray(2 * BLOCK)
    at = BLOCK + offset
    data[at : at + 29] = b"alice was here, in plain text"
    engine = Engine(scan_set_of([mark]))
    assert list(engine.search(BytesSource(bytes(data))).counted.values()) == [1]


def test_no_decoy_is_hit_in_256_mebibytes_of_noise(tmp_path: Path) -> None:
    seed = draw_seed([f"person{n}" for n in range(20)], PLACES, random.Random(1))
    engine = Engine(scan_set_of(seed.all))
    noise = random.Random(2)
    counted: dict[int, int] = {}
    for _ in range(16):
        tally = engine.search(BytesSource(noise.randbytes(16 << 20)))
        counted |= tally.counted
    assert counted == {}


def test_a_name_is_found_in_any_mixture_of_cases() -> None:
    mark = Mark("query", MarkKind.NAME, "0123456789abcdef01234567.probe.test")
    mixed = b"0123456789AbCdEf01234567.pRoBe.TeSt"
    scan = scan_set_of([mark])
    found = {scan.patterns[i].encoding for i in Engine(scan).search(BytesSource(mixed)).counted}
    assert found == {"text", "label"}


def test_bobs_address_is_not_found_in_a_longer_one() -> None:
    engine = Engine(scan_set_of([Mark("bob", MarkKind.ADDRESS4, "198.18.5.7")]))
    assert engine.search(BytesSource(b"route 198.18.5.77 and 2198.18.5.7 and 198.18.5.70")).counted == {}
    assert engine.search(BytesSource(b"route 198.18.5.7/32")).counted != {}


def test_holes_of_a_sparse_file_are_skipped_and_what_lies_behind_them_is_found(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(900 << 20)
        file.write(b"alice-behind-the-hole")
    tally = Engine(scan_set_of([Mark("alice", MarkKind.TEXT, "alice-behind-the-hole")])).search(FileSource(path))
    assert list(tally.counted.values()) == [1]
    assert tally.searched < 1 << 20


def test_a_mark_found_very_often_is_counted_to_the_end() -> None:
    engine = Engine(scan_set_of([Mark("alice", MarkKind.TEXT, "alice-again")]))
    assert list(engine.search(BytesSource(b"alice-again\n" * 50_000)).counted.values()) == [50_000]


def test_an_engine_without_marks_finds_nothing() -> None:
    assert Engine(scan_set_of([])).search(BytesSource(b"anything")).counted == {}


def test_a_twin_finds_the_same() -> None:
    engine = Engine(scan_set_of([Mark("alice", MarkKind.TEXT, "alice-again")]))
    assert (
        engine.twin().search(BytesSource(b"alice-again")).counted == engine.search(BytesSource(b"alice-again")).counted
    )
