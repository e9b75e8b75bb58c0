"""Tunnel addresses come from the key alone: the same everywhere, spread evenly, never one of ours."""

import hashlib

from tyst.core.tags import opener_of, tag_of
from tyst.core.wireguard.addresses import OURS4, WIREGUARD6, address4, address6, tunnel_addresses


def key(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(4)).digest()


def test_a_key_has_the_same_addresses_on_every_node() -> None:
    assert tunnel_addresses(key(1)) == tunnel_addresses(key(1)) != tunnel_addresses(key(2))


def test_no_device_gets_an_address_of_ours() -> None:
    for number in range(5000):
        assert address4(key(number)) not in OURS4
        assert address6(key(number)) in WIREGUARD6


def test_addresses_spread_evenly_over_the_range() -> None:
    counts = [0] * 15
    for number in range(15000):
        counts[(int(address4(key(number))) - (10 << 24)) // 2**20 - 1] += 1
    assert sum((c - 1000) ** 2 / 1000 for c in counts) < 36.1  # chi-squared, 14 degrees of freedom, p = 0.001


def test_tag_opener_and_addresses_share_no_bytes() -> None:
    assert tag_of(key(1)) not in opener_of(key(1))
    assert address6(key(1)).packed[8:] not in tag_of(key(1)) + opener_of(key(1))
