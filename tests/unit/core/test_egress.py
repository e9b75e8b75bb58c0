"""By which address a tunnel leaves: every one as likely as any other, the same all day, and unrelated across nodes and
days. Judged by chi-square over drawn keys that are fixed here, so that the figures are the same at every run."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Network

from tyst.core.egress import KEY_BYTES, drawn4, drawn6

POOL = [IPv4Address(f"192.0.2.{number}") for number in range(20, 28)]
DEVICES, NODES, DAYS = 2000, 4, 4
LIMIT = {7: 24.3, 63: 103.4}
"""Chi-square that one in a thousand honest draws exceeds, by degrees of freedom (NIST, Engineering Statistics Handbook,
1.3.6.7.4)."""


def key(node: int, day: int) -> bytes:
    """What a node draws at random each day."""
    return hashlib.blake2b(f"{node} {day}".encode(), digest_size=KEY_BYTES).digest()


def device(number: int) -> bytes:
    return hashlib.blake2s(number.to_bytes(4)).digest()


def draws(node: int, day: int) -> list[int]:
    """Which address (by its place in the pool) each device has there on that day."""
    return [int(drawn4(POOL, key(node, day), device(number)) or 0) - int(POOL[0]) for number in range(DEVICES)]


def chi_square(seen: Iterable[int], cells: int) -> float:
    """The distance of these counts from all cells being as likely."""
    counts = Counter(seen)
    expected = counts.total() / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))


ALL = {(node, day): draws(node, day) for node in range(NODES) for day in range(DAYS)}


def test_every_address_of_the_pool_is_as_likely_as_any_other() -> None:
    for seen in ALL.values():
        assert chi_square(seen, len(POOL)) < LIMIT[7]
    together = [one for seen in ALL.values() for one in seen]
    assert chi_square(together, len(POOL)) < LIMIT[7]


def independent(left: list[int], right: list[int]) -> bool:
    """Whether knowing one tells nothing of the other: the joint counts are uniform."""
    cells = len(POOL)
    joint = chi_square((a * cells + b for a, b in zip(left, right, strict=True)), cells * cells)
    return joint < LIMIT[63]


def test_what_a_device_has_at_one_node_or_day_tells_nothing_of_another() -> None:
    pairs = [(a, b) for a in ALL for b in ALL if a < b and (a[0] == b[0] or a[1] == b[1])]
    assert len(pairs) == 48
    told = [pair for pair in pairs if not independent(ALL[pair[0]], ALL[pair[1]])]
    assert len(told) <= 1, "one in a thousand may look dependent by chance"


def test_without_a_key_of_its_own_the_next_day_would_tell_everything() -> None:
    """The planted fault: one key for all days."""
    assert not independent(ALL[0, 0], draws(0, 0))
    shifted = [(one + 3) % len(POOL) for one in ALL[0, 0]]
    assert not independent(ALL[0, 0], shifted), "a plain rotation is caught too"
    assert chi_square([one % 7 for one in ALL[0, 0]], len(POOL)) > LIMIT[7], "and a pool of which one is never drawn"


def test_it_stays_while_key_and_pool_do_and_an_empty_pool_gives_none() -> None:
    assert drawn4(POOL, key(0, 0), device(1)) == drawn4(POOL, key(0, 0), device(1))
    assert drawn4([], key(0, 0), device(1)) is None and drawn6(None, key(0, 0), device(1)) is None


def test_in_a_routed_prefix_each_has_an_address_of_its_own_and_never_the_first() -> None:
    net = IPv6Network("2001:db8:4600::/64")
    found = {drawn6(net, key(0, 0), device(number)) for number in range(DEVICES)}
    assert len(found) == DEVICES and net[0] not in found and all(one in net for one in found if one)
    assert drawn6(net, key(0, 0), device(0)) != drawn6(net, key(0, 1), device(0))
    assert {drawn6(IPv6Network("2001:db8::/127"), key(0, 0), device(number)) for number in range(20)} == {
        IPv6Network("2001:db8::/127")[1]
    }
