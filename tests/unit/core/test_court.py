"""A request names one whole account or none, and it takes two operators' yes to exactly this one."""

from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core.court import Asked, CourtError, Request, approve, approvers

TODAY = date(2026, 11, 24)
KEYS = {name: Ed25519PrivateKey.generate() for name in ("doris", "emil", "mallory")}
OPERATORS = {name: KEYS[name].public_key().public_bytes_raw() for name in ("doris", "emil")}
ALICES = Request(Asked.DISCLOSURE, "B 123-26", "Stockholms tingsrätt", "se", username="alice")


def yes(name: str, request: Request = ALICES, day: date = TODAY, key: str = "") -> bytes:
    """An approval."""
    return approve(request, name, day, KEYS[key or name])


@pytest.mark.parametrize(
    "name", ["", "*", "al*", "al%", "a", "alice,bob", "alice bob", "' OR 1=1", "alice\n", "192.0.2.1/24", "%", "@"]
)
def test_a_part_of_a_name_a_pattern_or_a_list_is_no_request(name: str) -> None:
    for field in ("username", "email"):
        with pytest.raises(CourtError):
            Request(Asked.DISCLOSURE, "B 1", "Court", "se", **{field: name})


def test_what_names_nobody_has_no_field_for_a_name_and_a_disclosure_names_one() -> None:
    for asked in (Asked.PRESERVATION, Asked.SEARCH):
        assert Request(asked, "B 1", "Court", "se").username == ""
        with pytest.raises(CourtError):
            Request(asked, "B 1", "Court", "se", username="alice")
    with pytest.raises(CourtError):
        Request(Asked.DISCLOSURE, "B 1", "Court", "se", username="alice", email="alice@example.test")
    assert set(ALICES.body()) == {"asked", "reference", "authority", "by", "username", "email"}


@pytest.mark.parametrize("words", [("", "Court", "se"), ("B 1", "", "se"), ("B 1", "C", "xx"), ("B\n1", "C", "se")])
def test_an_order_has_a_reference_an_authority_and_a_country(words: tuple[str, str, str]) -> None:
    with pytest.raises(CourtError):
        Request(Asked.SEARCH, *words)


def test_two_operators_approve_for_a_week() -> None:
    both = [yes("doris"), yes("emil", day=TODAY + timedelta(days=2))]
    assert approvers(ALICES, both, OPERATORS, TODAY + timedelta(days=6)) == ("doris", "emil")
    for day in (TODAY + timedelta(days=7), TODAY + timedelta(days=1)):
        with pytest.raises(CourtError):
            approvers(ALICES, both, OPERATORS, day)


def test_one_operator_twice_is_not_two() -> None:
    for approvals in ([yes("doris")], [yes("doris")] * 2, [yes("doris"), yes("doris", day=TODAY - timedelta(days=1))]):
        with pytest.raises(CourtError):
            approvers(ALICES, approvals, OPERATORS, TODAY)
    with pytest.raises(CourtError):
        approvers(ALICES, [yes("doris"), yes("emil", key="doris")], {**OPERATORS, "emil": OPERATORS["doris"]}, TODAY)


def test_an_approval_for_bob_opens_nothing_of_alices() -> None:
    bobs = Request(Asked.DISCLOSURE, "B 123-26", "Stockholms tingsrätt", "se", username="bob")
    other = Request(Asked.DISCLOSURE, "B 124-26", "Stockholms tingsrätt", "se", username="alice")
    for request in (bobs, other):
        with pytest.raises(CourtError):
            approvers(ALICES, [yes("doris"), yes("emil", request)], OPERATORS, TODAY)


def test_mallory_is_nobody_and_signs_for_nobody() -> None:
    garbage = [
        b"",
        b"\xff",
        b"\n" * 4,
        yes("emil")[:-1],
        yes("emil") + b"\n",
        yes("emil").replace(b"approval", b"other"),
    ]
    for approval in [yes("mallory"), yes("emil", key="mallory"), *garbage]:
        with pytest.raises(CourtError):
            approvers(ALICES, [yes("doris"), approval], OPERATORS, TODAY)


def test_an_approval_holds_nothing_of_the_request() -> None:
    text = yes("doris")
    assert not [one for one in (b"alice", b"123-26", b"Stockholm", b"se\n") if one in text]
