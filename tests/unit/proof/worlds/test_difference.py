"""Two histories are the same, or a sentence says where they part; what is declared may differ, and not a byte more."""

from dataclasses import replace
from typing import Any

from tyst.proof.worlds.difference import NOTHING, Declared, differences, used
from tyst.proof.worlds.persisted import File, Moment
from tyst.records.slots_file import SLOT
from tyst.records.undone import FILE

FLAG = Declared(frozenset({"account.has_connected"}))
DATABASE = "state/records.sqlite3"
ALICE, BOB = ("alice",), ("bob",)


def file(content: bytes, *, touched: bool = False, size: int | None = None) -> File:
    return File(0o100600, len(content) if size is None else size, content, touched, content)


def moment(**words: Any) -> Moment:
    rows: dict[str, dict[tuple[str, ...], dict[str, str]]] = {
        "account": {ALICE: {"has_connected": "0", "email": "None"}, BOB: {"has_connected": "0", "email": "None"}}
    }
    return replace(Moment("a step", {DATABASE: file(b"\x08 alice \x08 bob")}, rows), **words)


def flag(who: tuple[str, ...]) -> dict[str, dict[tuple[str, ...], dict[str, str]]]:
    return {
        "account": {one: {"has_connected": "1" if one == who else "0", "email": "None"} for one in (ALICE, BOB)},
    }


def found(a: Moment, b: Moment, declared: Declared = NOTHING) -> list[str]:
    return differences([a], [b], declared)


def test_equal_worlds_have_no_difference() -> None:
    assert found(moment(), moment()) == []


def test_a_flag_that_tells_alice_from_bob_is_found_unless_it_is_declared() -> None:
    a = moment(rows=flag(ALICE), files={DATABASE: file(b"\x09 alice \x08 bob")})
    b = moment(rows=flag(BOB), files={DATABASE: file(b"\x08 alice \x09 bob")})
    assert found(a, b) == [
        "after 'a step': account.has_connected tells who it was",
        "after 'a step': state/records.sqlite3 has another content",
    ]
    assert found(a, b, FLAG) == []
    assert used([a], [b]) == FLAG.fields


def test_one_byte_beyond_the_declared_ones_is_found() -> None:
    a = moment(rows=flag(ALICE), files={DATABASE: file(b"\x09 alice \x08 bob")})
    b = moment(rows=flag(BOB), files={DATABASE: file(b"\x08 alice.\x09 bob")})
    assert found(a, b, FLAG) == [
        "after 'a step': state/records.sqlite3 differs in 3 bytes, and its declared fields in 2"
    ]


def test_a_hash_a_length_a_time_and_a_mode_are_each_found_and_never_shown() -> None:
    name = "state/" + "0123456789abcdef" * 2
    one = moment(files={name: file(b"hash of alice")})
    for other, what in (
        (file(b"hash of bobby"), "has another content"),
        (file(b"hash of alice", size=12), "is longer in one world"),
        (file(b"hash of alice", touched=True), "was written in one world alone (its modification time tells)"),
        (replace(file(b"hash of alice"), mode=0o100644), "has other permissions"),
    ):
        assert found(one, moment(files={name: other})) == [f"after 'a step': state/(a file named by a hash) {what}"]
    assert found(one, moment(files={})) == [
        "after 'a step': state/(a file named by a hash) is there in one world alone"
    ]


def test_a_row_and_a_table_that_one_world_alone_has_are_found() -> None:
    more = {**moment().rows, "met": {("1",): {"place": "1"}}}
    assert found(moment(), moment(rows=more)) == [
        "after 'a step': met (a row) tells who it was",
        "after 'a step': met (the table itself) tells who it was",
    ]


def test_as_many_sealed_slots_may_differ_as_are_declared() -> None:
    a, b, c = (bytes(SLOT) * 2, b"a" * SLOT + bytes(SLOT), b"a" * 2 * SLOT)
    declared = Declared(slots={f"state/{FILE}": (1, SLOT)})
    worlds = [moment(files={f"state/{FILE}": file(content)}) for content in (a, b, c)]
    assert found(worlds[0], worlds[1], declared) == []
    assert found(worlds[0], worlds[2], declared) == [f"after 'a step': state/{FILE} differs in 2 slots, and 1 may"]


def test_where_a_row_lies_and_which_transaction_wrote_it_is_found() -> None:
    a = moment(files={}, places={"account": {ALICE: ("(0,3)", 1, 0), BOB: ("(0,2)", 0, 0)}})
    b = moment(files={}, places={"account": {ALICE: ("(0,1)", 0, 0), BOB: ("(0,3)", 1, 0)}})
    said = ["after 'a step': rows of account lie elsewhere, or were written by other transactions"]
    assert found(a, b) == said
    declared = (replace(a, rows=flag(ALICE)), replace(b, rows=flag(BOB)))
    assert found(*declared, FLAG) == [], "her declared flag tells as much"
    later = replace(declared[1], places={"account": {ALICE: ("(0,1)", 0, 0), BOB: ("(0,3)", 2, 0)}})
    assert found(declared[0], later, FLAG) == said


def test_after_the_nightly_rewrite_only_the_order_may_differ() -> None:
    a = moment(scattered=True, places={"account": {ALICE: ("(0,1)", 5, 0), BOB: ("(0,2)", 5, 0)}})
    b = moment(scattered=True, places={"account": {ALICE: ("(0,2)", 5, 0), BOB: ("(0,1)", 5, 0)}})
    assert found(a, b) == []
    assert found(a, replace(b, places={"account": {ALICE: ("(0,2)", 5, 0), BOB: ("(0,1)", 6, 0)}}))


def test_a_relation_and_the_log_of_postgresql_are_compared() -> None:
    a, b = moment(relations={"account": (8192, False)}), moment(relations={"account": (8192, True)}, logged=True)
    assert found(a, b) == [
        "after 'a step': the file of account was written in one world alone (its modification time tells)",
        "after 'a step': the write-ahead log grew in one world alone",
    ]
    assert found(a, moment(relations={"account": (16384, False)})) == ["after 'a step': account is longer in one world"]


def test_a_world_that_came_further_is_another_one() -> None:
    assert differences([moment()], [moment(), moment()]) == ["one world came further than the other"]
