"""Wrong logins per network and minute, counted so that no address can be read back."""

from hypothesis import given
from hypothesis import strategies as st

from tyst.core.multihop import MOST_NODES
from tyst.node.openvpn.limiter import BUCKETS, WRONG_PER_MINUTE, LoginLimiter


class World:
    """A clock that stands still, and randomness that can be told apart."""

    def __init__(self) -> None:
        self.now = 0.0
        self.drawn = 0

    def draw(self, count: int) -> bytes:
        self.drawn += 1
        return bytes([self.drawn % 256]) * count


def made() -> tuple[LoginLimiter, World]:
    world = World()
    return LoginLimiter(lambda: world.now, world.draw), world


def test_mallory_is_stopped_after_twenty_wrong_logins_and_bob_is_not() -> None:
    limiter, _ = made()
    mallory, bob = limiter.bucket_of("192.0.2.1"), limiter.bucket_of("198.51.100.1")
    assert mallory != bob
    assert all(limiter.take(mallory) is not None for _ in range(WRONG_PER_MINUTE))
    assert limiter.take(mallory) is None
    assert limiter.take(bob) is not None


def test_one_network_has_one_bucket() -> None:
    limiter, _ = made()
    assert limiter.bucket_of("192.0.2.1") == limiter.bucket_of("192.0.2.254") != limiter.bucket_of("192.0.3.1")
    assert (
        limiter.bucket_of("2001:db8:1::1")
        == limiter.bucket_of("2001:db8:1:ffff::9")
        != limiter.bucket_of("2001:db8:2::1")
    )


def test_right_logins_do_not_count_however_many_share_an_address() -> None:
    limiter, _ = made()
    bucket = limiter.bucket_of("192.0.2.1")
    for _ in range(10 * WRONG_PER_MINUTE):
        minute = limiter.take(bucket)
        assert minute is not None
        limiter.refund(bucket, minute)


def test_a_new_minute_forgets_counts_and_key() -> None:
    limiter, world = made()
    old = [limiter.bucket_of(f"192.0.{n}.1") for n in range(20)]
    while limiter.take(old[0]) is not None:
        pass
    world.now = 60.0
    assert [limiter.bucket_of(f"192.0.{n}.1") for n in range(20)] != old
    assert limiter.take(old[0]) is not None


def test_a_late_refund_does_not_help_in_the_next_minute() -> None:
    limiter, world = made()
    minute = limiter.take(5)
    assert minute is not None
    world.now = 61.0
    for _ in range(WRONG_PER_MINUTE):
        limiter.take(5)
    limiter.refund(5, minute)
    assert limiter.take(5) is None


@given(st.text(max_size=60))
def test_whatever_stands_for_an_address_has_a_bucket(text: str) -> None:
    limiter, _ = made()
    assert 0 <= limiter.bucket_of(text) < BUCKETS


def test_memory_is_fixed_and_holds_no_address() -> None:
    limiter, _ = made()
    for n in range(5000):
        limiter.take(limiter.bucket_of(f"10.{n // 250}.{n % 250}.1"))
    assert len(limiter._counts) == BUCKETS + MOST_NODES + 1
    assert set(vars(limiter)) == {"_clock", "_draw", "_entry_of", "_minute", "_key", "_counts"}
