"""The attackers. What each looks at stands in its docstring; `ATTACKS` lists them all.

By order, by transaction, by place in the file, by hash and keyed hash of everything public, by decryption, by time, by
size, and by what lies near what, in every dump: database, its files, backup, journal, and each room's memory.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from tyst.proof.blind import forms
from tyst.proof.blind.attack import NOTHING, Attack, Case, Link
from tyst.proof.blind.things import Dumps, Thing

_GRAM = 5
_NEAR = 4096
"""Bytes beyond which two values in one dump say nothing by being near."""
DUMPS = ("database", "backup", "journal", "memory of the site", "memory of the gate", "memory of the node")


# --- order and transactions ---------------------------------------------------------------------------------------


def by_order(case: Case, *, stretched: bool) -> Link:
    """Rows as they lie (row number, or block and line, or as a query without order gives them): the n-th account has
    the n-th record; `stretched`: where there are more records than accounts, evenly."""
    ranks = {table: _ranks(case.dumps, table) for table in case.dumps.rows}

    def link(a: Thing, b: Thing) -> float:
        if not (a.table and b.table):
            return NOTHING
        left, right = ranks[a.table][a.index], ranks[b.table][b.index]
        if stretched:
            return -abs(left / len(ranks[a.table]) - right / len(ranks[b.table]))
        return -float(abs(left - right))

    return link


def _ranks(dumps: Dumps, table: str) -> dict[int, int]:
    rows = dumps.rows[table]
    placed = sorted(range(len(rows)), key=lambda index: (rows[index].place, index))
    return {index: rank for rank, index in enumerate(placed)}


def by_transaction(case: Case) -> Link:
    """PostgreSQL's note in each row's head of the transaction that wrote it: the nearer, the likelier."""

    def link(a: Thing, b: Thing) -> float:
        left, right = a.row(case.dumps), b.row(case.dumps)
        if left is None or right is None or left.written is None or right.written is None:
            return NOTHING
        return -float(abs(left.written - right.written))

    return link


# --- hashes ---------------------------------------------------------------------------------------------------------


def by_hash(case: Case) -> Link:
    """Every hash and every keyed hash of all that is known of one thing, looked for in the other, whole or any five
    bytes of it. Keys are all values in the dumps that look like keys; and WireGuard's derivations."""
    own = {one: frozenset(chain.from_iterable(map(_grams, one.faces))) for one in case.things}
    derived = {one: frozenset(chain.from_iterable(map(_grams, _derived(one, case.keys)))) for one in case.things}

    def link(a: Thing, b: Thing) -> float:
        shared = len(derived[a] & own[b]) + len(derived[b] & own[a]) + len(derived[a] & derived[b])
        return float(shared + len(own[a] & own[b])) or NOTHING

    return link


def _grams(text: bytes) -> Iterator[bytes]:
    return (text[place : place + _GRAM] for place in range(len(text) - _GRAM + 1))


def _derived(one: Thing, keys: Sequence[bytes]) -> Iterator[bytes]:
    """Of keyed hashes the beginning alone: there are many."""
    for face in one.faces:
        if len(face) <= forms.HASHED:
            yield from forms.plain(face)
            yield from (digest[:_GRAM] for digest in forms.keyed(face, keys))


# --- decryption -----------------------------------------------------------------------------------------------------


def by_decryption(case: Case) -> Link:
    """Whatever opened, with any 32 bytes of the dumps: whose handle is in it, and whose addresses its key has."""

    def link(a: Thing, b: Thing) -> float:
        for one in case.opened:
            sides = [one.concerns(thing) or (one.content != b"" and one.content in thing.faces) for thing in (a, b)]
            if all(sides):
                return 1.0
        return _same_content(case, a, b)

    return link


def _same_content(case: Case, a: Thing, b: Thing) -> float:
    """Two records with the same content, under whatever tags."""
    left, right = ({one.content for one in case.opened if one.concerns(thing)} - {b""} for thing in (a, b))
    return 1.0 if left & right else NOTHING


# --- time and size --------------------------------------------------------------------------------------------------


def by_time(case: Case) -> Link:
    """When an account was made or last changed, and until when a record lasts."""

    def link(a: Thing, b: Thing) -> float:
        left, right = _times(case.dumps, a), _times(case.dumps, b)
        if not left or not right:
            return NOTHING
        return -float(min(abs(x - y) for x in left for y in right))

    return link


def _times(dumps: Dumps, one: Thing) -> list[int]:
    """Months since year 0: of an account's times less 24 (a record lasts so long), of a record's end."""
    row = one.row(dumps)
    if row is None:
        return []
    if one.table == "key_record":
        text = row.values["last_month"].decode()
        return [int(text[:4]) * 12 + int(text[4:6]) - 24]
    texts = [row.values[name].decode() for name in ("created_at", "updated_at") if row.values.get(name)]
    return [int(text[:4]) * 12 + int(text[5:7]) for text in texts]


def by_size(case: Case) -> Link:
    """How long the rows are."""
    sizes = {table: [sum(map(len, row.values.values())) for row in rows] for table, rows in case.dumps.rows.items()}
    spread = {table: max(1, max(all_, default=1) - min(all_, default=0)) for table, all_ in sizes.items()}
    least = {table: min(all_, default=0) for table, all_ in sizes.items()}

    def link(a: Thing, b: Thing) -> float:
        if not (a.table and b.table):
            return NOTHING
        left, right = ((sizes[one.table][one.index] - least[one.table]) / spread[one.table] for one in (a, b))
        return -abs(left - right)

    return link


# --- nearness -------------------------------------------------------------------------------------------------------


def by_nearness(case: Case, where: str) -> Link:
    """How near the two lie to each other in a dump, in any form in which they stand there, hashed or not."""
    found = {name: case.places[name] for name in _of_sort(case, where)}

    def link(a: Thing, b: Thing) -> float:
        every = (_distance(one.get(a, ()), one.get(b, ())) for one in found.values())
        return -float(min((distance for distance in every if distance), default=0)) or NOTHING

    return link


def by_sequence(case: Case, where: str) -> Link:
    """Whether the two come in the same turn: the n-th of all accounts that stand there, the n-th of the others."""
    found = {name: case.places[name] for name in _of_sort(case, where)}
    turns = {(name, table): _firsts(one, table) for name, one in found.items() for table in ("", *case.dumps.rows)}

    def turn(name: str, one: Thing) -> float:
        every = turns[name, one.table]
        return bisect_left(every, found[name][one][0]) / len(every)

    def link(a: Thing, b: Thing) -> float:
        both = [name for name, one in found.items() if a in one and b in one]
        return -min(abs(turn(name, a) - turn(name, b)) for name in both) if both else NOTHING

    return link


def _firsts(found: Mapping[Thing, Sequence[int]], table: str) -> list[int]:
    return sorted(places[0] for one, places in found.items() if one.table == table)


def _of_sort(case: Case, where: str) -> list[str]:
    """The dumps of this sort."""
    beginnings = ("file ", "PostgreSQL") if where == "database" else (where,)
    return [name for name in case.dumps.texts if name.startswith(beginnings)]


def _distance(left: Sequence[int], right: Sequence[int]) -> int:
    """The least distance of two sorted lists, or 0 when it is beyond what says anything."""
    best = _NEAR + 1
    for place in left:
        at = bisect_left(right, place)
        best = min([best, *(abs(place - other) for other in right[max(0, at - 1) : at + 1])])
    return max(1, best) if best <= _NEAR else 0


ATTACKS: tuple[Attack, ...] = (
    Attack("rows in their order", partial(by_order, stretched=False)),
    Attack("rows in their order, evenly", partial(by_order, stretched=True)),
    Attack("transaction numbers", by_transaction),
    Attack("hashes and keyed hashes", by_hash),
    Attack("decryption with every 32 bytes", by_decryption),
    Attack("times", by_time),
    Attack("sizes", by_size),
    *(Attack(f"nearness, {where}", partial(by_nearness, where=where)) for where in DUMPS),
    *(Attack(f"sequence, {where}", partial(by_sequence, where=where)) for where in DUMPS),
)
