"""Small memories: they refuse what is too much, forget, stay small and hold no address."""

from hypothesis import given
from hypothesis import strategies as st

from tyst.node.limits import Buckets, Meter, ShortMemory


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_mallorys_prefix_is_limited_and_alices_is_not() -> None:
    time = Time()
    buckets = Buckets(10, 20, time, size=1 << 16)
    assert sum(buckets.take(b"mal") for _ in range(1000)) == 20
    assert buckets.take(b"ali")
    time.now = 1.0
    assert sum(buckets.take(b"mal") for _ in range(1000)) == 10


def test_the_buckets_mix_anew_every_minute_and_hold_no_prefix() -> None:
    time = Time()
    buckets = Buckets(0, 1, time, size=64)
    assert buckets.take(b"\xc6\x33\x64") and not buckets.take(b"\xc6\x33\x64")
    kept = {name: getattr(buckets, name) for name in Buckets.__slots__}
    assert b"\xc6\x33\x64" not in repr(kept).encode() and b"\xc6\x33\x64" not in bytes(kept["_levels"])
    time.now = 61.0
    assert buckets.take(b"\xc6\x33\x64"), "nothing of the last minute counts"


@given(st.lists(st.floats(0, 3), max_size=60))
def test_a_meter_never_lets_more_pass_than_its_burst_and_its_rate(steps: list[float]) -> None:
    time = Time()
    meter, passed = Meter(2, 5, time), 0
    for step in steps:
        time.now += step
        passed += meter.take()
        assert passed <= 5 + 2 * time.now + 1e-6


def test_a_short_memory_forgets_in_time_and_under_pressure() -> None:
    time = Time()
    memory = ShortMemory(10, 3, time)
    for name in (b"a", b"b", b"c", b"d"):
        memory.add(name)
    assert len(memory) == 3 and b"a" not in memory and b"d" in memory
    time.now = 10.0
    assert b"d" not in memory
    memory.forget_old()
    assert len(memory) == 0


def test_a_short_memory_holds_hashes_only() -> None:
    memory = ShortMemory(10, 3, Time())
    memory.add(b"alice's public key, 32 bytes long")
    assert b"alice" not in repr({name: getattr(memory, name) for name in ShortMemory.__slots__}).encode()
