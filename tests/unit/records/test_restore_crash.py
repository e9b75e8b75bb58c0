"""The machine stops at each step of a restore: what is there afterwards is the old or the new, and never a mixture.

Steps are the calls by which anything gets to the disk or to the database. At the wanted one the program ends, and from
then on none of them works any more, as for a process that is dead.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import sql
from tests.unit.records.keeper import ENGINES, Keeper, kept, make, new_file
from tyst.core.seal import Kind
from tyst.records.errors import RecordsError

A, B = b"a" * 16, b"b" * 16


class Crash(BaseException):
    """The program's end."""


class Steps:
    """Counts the steps, and ends the program before or after the wanted one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.point, self.dead, self.before = 0, -1, False, True
        for owner, name in self._calls():
            monkeypatch.setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _calls(self) -> Iterator[tuple[Any, str]]:
        import psycopg

        from tyst.records.postgresql.hand import Connection

        yield from ((os, name) for name in ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "pwrite"))
        yield Connection, "execute"
        yield psycopg.Copy, "write_row"

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **words: Any) -> Any:
            if self.dead:
                raise Crash
            number, self.count = self.count, self.count + 1
            if number == self.point and self.before:
                self.dead = True
                raise Crash
            try:
                return real(*args, **words)
            finally:
                if number == self.point:
                    self.dead = True
                    raise Crash

        return step

    def run(self, act: Callable[[], Any], point: int = -1, *, before: bool = True) -> int:
        """Does it, up to the point; how many steps there were."""
        self.count, self.point, self.dead, self.before = 0, point, False, before
        with suppress(Crash):
            act()
        self.dead, self.point = False, -1
        return self.count


@pytest.fixture(autouse=True, params=ENGINES)
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    with kept(tmp_path, request.param) as found:
        yield found


@pytest.fixture(autouse=True)
def tables() -> None:
    """These tests have tables of their own."""


@pytest.fixture(autouse=True)
def where() -> None:
    """And look there by themselves."""


def _seen(keeper: Keeper) -> tuple[frozenset[str], bytes]:
    names = frozenset(name for (name,) in sql(keeper.where, "SELECT username FROM account"))
    return names, keeper.site_keys().seal[Kind.SESSION][0].secret


def _finish(keeper: Keeper) -> None:
    from tyst.records.backup import restoring

    restoring.finish(keeper.state, keeper.where)


def _stages(keeper: Keeper) -> Path:
    """A backup in which Alice and Bob are; afterwards Alice is deleted, and Charlie joins."""
    from tyst.core.owner import OWNER
    from tyst.records import erase

    make("alice", A)
    make("bob", B)
    path = keeper.backup()
    erase.delete_account(A, keeper.site_keys().secrets[OWNER], keeper.now)
    make("charlie", b"c" * 16)
    return path


@pytest.mark.night
def test_a_stop_at_every_single_step_leaves_the_old_or_the_new(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    _stop_at_each_step(keeper, monkeypatch, 1)


def test_a_stop_at_each_step_leaves_the_old_or_the_new(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL, where a step takes longer, at some of them."""
    _stop_at_each_step(keeper, monkeypatch, 1 if isinstance(keeper.where, Path) else 7)


def _stop_at_each_step(keeper: Keeper, monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    from tyst.records import doors
    from tyst.records.backup import restoring
    from tyst.records.where import chosen

    monkeypatch.setattr(restoring, "migrate", new_file)
    monkeypatch.setattr(restoring, "shuffled", lambda server: None)
    path = _stages(keeper)
    again = keeper.backup("again.backup")  # to get the old back, with the same code
    steps = Steps(monkeypatch)
    outcomes, refused = list[str](), 0
    total = steps.run(lambda: keeper.restore(path))
    keeper.restore(again)
    for number in range(0, total, stride):
        old = _seen(keeper)
        steps.run(lambda: keeper.restore(path), number, before=number // stride % 2 == 0)
        if (keeper.state / "restoring").exists():
            refused += 1
            with pytest.raises(RecordsError, match="--finish"):
                chosen(keeper.state)
            with pytest.raises(RecordsError, match="--finish"):
                doors.hold(keeper.state)
        _finish(keeper)
        names, secret = _seen(keeper)
        assert (names == frozenset({"bob"})) == (secret != old[1]), f"step {number}: a mixture"
        assert names in (old[0], frozenset({"bob"})), f"step {number}"
        outcomes.append("old" if (names, secret) == old else "new")
        assert not list(keeper.state.glob("*restoring*")) and not list(keeper.state.glob("*.new"))
        if outcomes[-1] == "new":
            keeper.restore(again)
    assert outcomes == sorted(outcomes, reverse=True) and set(outcomes) == {"old", "new"}, "old up to the moment"
    assert refused >= len(outcomes) // 2


def test_a_stop_while_it_is_being_finished_changes_nothing(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    from tyst.records.backup import restoring

    monkeypatch.setattr(restoring, "migrate", new_file)
    monkeypatch.setattr(restoring, "shuffled", lambda server: None)
    path = _stages(keeper)
    real = restoring._place

    def end(*_: Any) -> None:
        raise Crash

    steps = Steps(monkeypatch)
    point = 0
    while True:
        monkeypatch.setattr(restoring, "_place", end)
        with pytest.raises(Crash):
            keeper.restore(path)
        monkeypatch.setattr(restoring, "_place", real)
        total = steps.run(lambda: _finish(keeper), point)
        _finish(keeper)
        assert _seen(keeper)[0] == {"bob"}
        point += 1
        if point > total:
            break
    assert point > 2


def test_the_planted_fault_is_seen(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore that puts keys and records in place one after the other leaves a mixture at some step."""
    from tyst.records.backup import restoring

    monkeypatch.setattr(restoring, "migrate", new_file)
    monkeypatch.setattr(restoring, "shuffled", lambda server: None)
    monkeypatch.setattr(restoring, "_decided", lambda *_: False)
    path = _stages(keeper)
    real = restoring._put

    def put(plan: Any, stage: Path, *rest: Any) -> Any:
        restoring._place(stage, plan.state)  # the keys are there, and then the records come
        return real(plan, stage, *rest)

    monkeypatch.setattr(restoring, "_put", put)
    old, steps = _seen(keeper), Steps(monkeypatch)
    total = steps.run(lambda: None)
    for number in range(60):
        total = steps.run(lambda: keeper.restore(path), number)
        _finish(keeper)
        names, secret = _seen(keeper)
        if names == old[0] and secret != old[1]:
            return
    raise AssertionError(f"the fault was not seen in {total} steps")
