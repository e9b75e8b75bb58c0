"""Which hits count, told with Alice's address 198.18.5.7 (bytes c6 12 05 07)."""

import pytest

from tyst.core.residue import Mark, MarkKind, Pattern, ScanSet
from tyst.core.residue_encodings import scan_set_of
from tyst.core.residue_rule import NEAR, Hit, ceiling, grade, judge

ALICE = Mark("alice", MarkKind.ADDRESS4, "198.18.5.7")
DECOYS = [Mark(f"decoy{n}", MarkKind.ADDRESS4, f"198.18.6.{n + 129}", decoy=True) for n in range(4)]
SCAN = scan_set_of([ALICE, *DECOYS])


def pattern(encoding: str, mark: Mark = ALICE, scan: ScanSet = SCAN) -> Pattern:
    return next(p for p in scan.patterns if p.mark == mark and p.encoding == encoding)


def hit(encoding: str, start: int, strong: bool = False, mark: Mark = ALICE) -> Hit:
    return Hit(pattern(encoding, mark).index, start, strong)


@pytest.mark.parametrize(
    ("encoding", "before", "after", "verdict"),
    [
        ("text", b"from ", b":443", True),
        ("text", b"", b"", True),
        ("text", b"1", b" ", None),  # 1198.18.5.7 is another value
        ("text", b" ", b"7", None),  # 198.18.5.77 is another address
        ("decimal", b"9", b" ", None),
        ("decimal", b"=", b";", True),
        ("raw-hex", b"0x", b" ", True),
        ("raw-le-hex-upper", b"0: ", b":01BB", True),  # /proc/net/tcp
        ("raw-hex", b"9e", b"41", False),  # in the middle of a hash
        ("raw", b"noise", b"noise", False),
        ("raw", b"\x02\x00\x01\xbb", b"\0", True),  # struct sockaddr_in
        ("raw", b"\x45\0\0\x54\0\0\0\0\x40\x11\0\0", b"", True),  # source of an IPv4 header
        ("raw", b"\x45\0\0\x54\0\0\0\0\x40\x06\0\0\x0a\x01\x02\x03", b"", True),  # destination
        ("raw", b"\x45\0\0\x54\0\0\0\0\x40\x99\0\0", b"", False),  # no such protocol
        ("raw-le", b"\x02\x00\x01\xbb", b"\0", False),
        ("raw-base64-1", b"..", b"..", False),
        ("mapped", b"1", b"1", True),
    ],
)
def test_a_hit_is_graded_by_the_bytes_around_it(
    encoding: str, before: bytes, after: bytes, verdict: bool | None
) -> None:
    assert grade(pattern(encoding), before, after) is verdict


def test_a_longer_ipv6_address_is_not_alices() -> None:
    mark = Mark("alice6", MarkKind.ADDRESS6, "2001:db8::5")
    text = pattern("text", mark, scan_set_of([mark]))
    assert grade(text, b"[", b"]") is True
    assert grade(text, b"[", b"a") is None


def test_one_weak_hit_alone_does_not_count() -> None:
    verdict = judge(SCAN, [hit("raw", 5000)])
    assert not verdict.counted
    assert verdict.unwitnessed == {pattern("raw").index: 1}


def test_a_weak_hit_counts_beside_another_form_of_the_same_address() -> None:
    verdict = judge(SCAN, [hit("raw", 5000), hit("raw-le", 5000 + NEAR)])
    assert set(verdict.counted) == {pattern("raw").index, pattern("raw-le").index}


def test_a_weak_hit_does_not_count_for_company_that_is_too_far_or_not_hers_or_its_own_kind() -> None:
    far = [hit("raw", 5000), hit("raw-le", 5001 + NEAR)]
    other = [hit("raw", 9000), hit("raw-le", 9010, mark=DECOYS[0])]
    same = [hit("raw", 20000), hit("raw", 20010)]
    assert not judge(SCAN, far).counted
    assert not judge(SCAN, other).counted
    assert not judge(SCAN, same).counted


def test_a_weak_hit_counts_where_the_address_also_stands_in_clear() -> None:
    verdict = judge(SCAN, [hit("raw", 5000), hit("text", 900_000, strong=True)])
    assert verdict.counted == {pattern("raw").index: 1, pattern("text").index: 1}


def test_more_weak_hits_than_chance_count_although_each_stands_alone() -> None:
    crowd = [hit("raw", n * 10_000) for n in range(4)]
    assert judge(SCAN, crowd).counted == {pattern("raw").index: 4}


def test_where_decoys_are_hit_as_often_it_is_noise() -> None:
    noise = [hit("raw", n * 10_000 + i, mark=m) for i, m in enumerate([ALICE, *DECOYS]) for n in range(4)]
    assert not judge(SCAN, noise).counted


def test_chance_is_given_more_room_the_more_it_hits() -> None:
    assert ceiling(0) == 3
    assert ceiling(100) == 163


def test_nothing_found_is_nothing_counted() -> None:
    assert judge(SCAN, []).counted == {}
