"""Marks and patterns as values."""

import re

import pytest

from tyst.core.residue import Mark, MarkError, MarkKind
from tyst.core.residue_encodings import scan_set_of


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        (MarkKind.ADDRESS6, "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        (MarkKind.MAC, "02-AB-cd-00-11-22", "02:ab:cd:00:11:22"),
        (MarkKind.MAC, "02ab.cd00.1122", "02:ab:cd:00:11:22"),
        (MarkKind.NAME, "Alice.Probe.Test.", "alice.probe.test"),
    ],
)
def test_two_spellings_of_a_value_make_one_mark(kind: MarkKind, value: str, normal: str) -> None:
    assert Mark("m", kind, value) == Mark("m", kind, normal)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (MarkKind.ADDRESS4, "198.51.100.777"),
        (MarkKind.ADDRESS6, "198.51.100.7"),
        (MarkKind.MAC, "02:ab:cd"),
        (MarkKind.MAC, "secretsecret"),
        (MarkKind.NAME, "alice..probe.test"),
        (MarkKind.TEXT, "short"),
        (MarkKind.TEXT, b"bytes, not text"),
        (MarkKind.KEY, "text, not bytes"),
        (MarkKind.KEY, bytes(31)),
        (MarkKind.TOKEN, bytes(3)),
    ],
)
def test_a_value_that_does_not_fit_its_kind_is_refused_and_not_repeated(kind: MarkKind, value: str | bytes) -> None:
    with pytest.raises(MarkError) as refusal:
        Mark("m", kind, value)
    assert str(value) not in str(refusal.value)


def test_neither_a_mark_nor_its_pattern_shows_its_value() -> None:
    mark = Mark("alice.username", MarkKind.TEXT, "alice-in-clear")
    shown = repr(mark) + repr(scan_set_of([mark]))
    assert "alice.username" in shown
    assert "in-clear" not in shown


def test_patterns_are_numbered_without_gaps_and_their_expressions_match_their_bytes_alone() -> None:
    scan = scan_set_of([Mark("a", MarkKind.ADDRESS4, "198.51.100.7"), Mark("t", MarkKind.TEXT, "a.b*c(d)+é")])
    assert [pattern.index for pattern in scan.patterns] == list(range(len(scan.patterns)))
    for index, expression, _caseless in scan.expressions():
        assert re.fullmatch(expression, scan.patterns[index].data)
    assert scan.longest == max(len(pattern.data) for pattern in scan.patterns)


WEAK = ("raw", "raw-le", *(f"raw-base64-{shift}" for shift in range(3)), "raw-base32-2", "raw-base32-4")


def test_only_four_bytes_and_their_base64_and_base32_need_a_witness() -> None:
    scan = scan_set_of([Mark("a", MarkKind.ADDRESS4, "198.51.100.7"), Mark("m", MarkKind.MAC, "02:91:92:93:94:95")])
    weak = {(pattern.mark.name, pattern.encoding) for pattern in scan.patterns if pattern.weak}
    assert weak == {("a", name) for name in WEAK}


def test_no_marks_make_an_empty_scan_set() -> None:
    assert scan_set_of([]).patterns == ()
    assert scan_set_of([]).longest == 0
