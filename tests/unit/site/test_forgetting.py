"""Counters by address are forgotten when their minutes are over, whether or not somebody comes again."""

import os
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from tests.unit.site.person import Clock
from tyst.site import sweeper
from tyst.site.limits import Bucket, default_limits


def test_a_window_that_is_over_is_forgotten_though_nobody_comes() -> None:
    clock = Clock()
    limits = default_limits(clock, os.urandom)
    limits.signups.take(b"street")
    limits.keys.take(b"handle")
    held = vars(limits.signups)
    clock.forward(seconds=599)
    limits.forget()
    assert held["_counts"], "the window isn't over yet"
    key = held["_key"]
    clock.forward(seconds=2)
    assert held["_counts"], "without the sweep it stays: that is the fault"
    limits.forget()
    assert not held["_counts"] and held["_key"] != key
    assert vars(limits.keys)["_counts"], "a day's window goes on"


def test_the_order_of_coming_is_forgotten_in_a_window_that_goes_on() -> None:
    bucket = default_limits(Clock(), os.urandom).signups
    for number in range(40):
        bucket.take(b"street %d" % number)
    before = dict(vars(bucket)["_counts"])
    assert list(before) != sorted(before), "in the order of coming: that is the fault"
    bucket.forget()
    assert list(vars(bucket)["_counts"]) == sorted(before) and vars(bucket)["_counts"] == before


def test_every_limit_is_swept() -> None:
    clock = Clock()
    limits = default_limits(clock, os.urandom)
    buckets = [one for one in vars(limits).values() if isinstance(one, Bucket)]
    for one in buckets:
        one.take(b"x")
    clock.forward(days=2)
    limits.forget()
    assert buckets and not [one for one in buckets if vars(one)["_counts"]]


def test_the_sweeper_forgets_while_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "FORGET_SECONDS", 0.01)
    rounds, enough = [0], threading.Event()

    def forget() -> None:
        rounds[0] += 1
        if rounds[0] == 3:
            enough.set()

    def door(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        return []

    sweeper.Sweeper(door, forget).start()
    assert enough.wait(10), "nobody came, and nothing was forgotten"
