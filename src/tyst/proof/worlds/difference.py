"""Where two histories part: sentences that name a step, a table, a column or a file, and never a value.

Declared fields (table.column) may differ, and nothing but them: of a SQLite file as many bytes may differ as the values
of these fields differ in, byte for byte; of PostgreSQL a
row with a declared field that differs lies where it was written last, until the nightly rewrite, after which only the
order may differ. Counterpart: `persisted.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tyst.proof.worlds.persisted import File, History, Key, Moment, Row
from tyst.records.where import SQLITE

Places = Mapping[Key, tuple[str, int, int]]


@dataclass(frozen=True)
class Declared:
    """What may differ: `fields` as table.column; `slots`: of files of sealed slots, how many, of which size."""

    fields: frozenset[str] = frozenset()
    slots: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def tables(self) -> frozenset[str]:
        """Those with a declared field."""
        return frozenset(name.partition(".")[0] for name in self.fields)


NOTHING = Declared()


def differences(one: History, other: History, declared: Declared = NOTHING) -> list[str]:
    """Sentences, each once, in order; empty when the worlds are the same."""
    if [moment.step for moment in one] != [moment.step for moment in other]:
        return ["one world came further than the other"]
    found = [f"after '{a.step}': {what}" for a, b in zip(one, other, strict=True) for what in _between(a, b, declared)]
    return list(dict.fromkeys(found))


def used(one: History, other: History) -> frozenset[str]:
    """The fields that do differ at the end."""
    return frozenset(name for name, _, _ in _fields(one[-1], other[-1]))


def _between(a: Moment, b: Moment, declared: Declared) -> Iterator[str]:
    undeclared = sorted({name for name, _, _ in _fields(a, b)} - declared.fields)
    yield from (f"{name} tells who it was" for name in undeclared)
    may = sum(_apart(x, y) for name, x, y in _fields(a, b) if name in declared.fields)
    yield from _files(a.files, b.files, may, declared.slots)
    yield from _places(a, b, declared)
    if a.logged != b.logged:
        yield "the write-ahead log grew in one world alone"


def _fields(a: Moment, b: Moment) -> Iterator[tuple[str, str, str]]:
    """(table.column, value, value) of all that differs. A row or table that is missing differs as a whole."""
    for table in sorted({*a.rows, *b.rows}):
        mine, theirs = a.rows.get(table, {}), b.rows.get(table, {})
        if table not in a.rows or table not in b.rows:
            yield f"{table} (the table itself)", "", ""
        for key in {*mine, *theirs}:
            yield from _row(table, mine.get(key), theirs.get(key))


def _row(table: str, mine: Row | None, theirs: Row | None) -> Iterator[tuple[str, str, str]]:
    if mine is None or theirs is None:
        yield f"{table} (a row)", "", ""
        return
    yield from ((f"{table}.{name}", mine[name], theirs[name]) for name in mine if mine[name] != theirs[name])


def _apart(x: str, y: str) -> int:
    """In how many bytes two values of a field differ, as SQLite keeps them."""
    if {x, y} == {"0", "1"}:
        return 1  # the constants 0 and 1 are types in the record's head (fileformat2.html, section 2.1)
    return sum(a != b for a, b in zip(x, y, strict=False)) if len(x) == len(y) else max(len(x), len(y))


def _files(
    a: Mapping[str, File], b: Mapping[str, File], may: int, slots: Mapping[str, tuple[int, int]]
) -> Iterator[str]:
    for name in sorted({*a, *b}):
        mine, theirs = a.get(name), b.get(name)
        if mine is None or theirs is None:
            yield f"{_shown(name)} is there in one world alone"
        else:
            yield from _file(_shown(name), mine, theirs, may, slots.get(name))


def _file(name: str, mine: File, theirs: File, may: int, slots: tuple[int, int] | None) -> Iterator[str]:
    if mine.size != theirs.size:
        yield f"{name} is longer in one world"
    elif slots is not None:
        if (apart := _slots_apart(mine.whole, theirs.whole, slots[1])) > slots[0]:
            yield f"{name} differs in {apart} slots, and {slots[0]} may"
    elif name.endswith(SQLITE) and may:
        apart = sum(x != y for x, y in zip(mine.whole, theirs.whole, strict=True))
        if apart != may:
            yield f"{name} differs in {apart} bytes, and its declared fields in {may}"
    elif mine.content != theirs.content:
        yield f"{name} has another content"
    if mine.touched != theirs.touched:
        yield f"{name} was written in one world alone (its modification time tells)"
    if mine.mode != theirs.mode:
        yield f"{name} has other permissions"


def _slots_apart(mine: bytes, theirs: bytes, size: int) -> int:
    return sum(mine[at : at + size] != theirs[at : at + size] for at in range(0, len(mine), size))


def _shown(name: str) -> str:
    """A file's name may itself be made of a value: a long hexadecimal one is not shown."""
    head, _, tail = name.rpartition("/")
    stem = tail.split(".")[0]
    long = len(stem) >= 16 and all(letter in "0123456789abcdef" for letter in stem)
    return f"{head}/(a file named by a hash)" if long else name


def _places(a: Moment, b: Moment, declared: Declared) -> Iterator[str]:
    for table in sorted({*a.places, *b.places}):
        mine, theirs = a.places.get(table, {}), b.places.get(table, {})
        if a.scattered:  # the server drew the order: nothing but the order may differ
            same = sorted(mine.values()) == sorted(theirs.values())
        else:
            moved = _moved(a, b, table) if table in declared.tables else set()
            same = _but(mine, moved) == _but(theirs, moved) and _fresh(mine, moved) == _fresh(theirs, moved)
        if not same:
            yield f"rows of {table} lie elsewhere, or were written by other transactions"
    for name in sorted({*a.relations, *b.relations}):
        one, other = a.relations.get(name, (-1, False)), b.relations.get(name, (-1, False))
        if one[0] != other[0]:
            yield f"{name} is longer in one world"
        if one[1] != other[1]:
            yield f"the file of {name} was written in one world alone (its modification time tells)"


def _moved(a: Moment, b: Moment, table: str) -> set[Key]:
    """Rows that differ: that they were written is told by their declared fields as well."""
    mine, theirs = a.rows.get(table, {}), b.rows.get(table, {})
    return {key for key in mine if mine[key] != theirs.get(key)}


def _but(places: Places, moved: set[Key]) -> Places:
    return {key: place for key, place in places.items() if key not in moved}


def _fresh(places: Places, moved: set[Key]) -> list[tuple[str, int, int]]:
    """Where rows that differ were written anew since the beginning, and by which of the world's transactions."""
    return sorted(place for key, place in places.items() if key in moved and place[1])
