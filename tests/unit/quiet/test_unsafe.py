"""The unsafe switch: it warns when it is built, and can't be built where anybody could come."""

import logging
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from tyst.lab import topology
from tyst.quiet.unsafe import Address, UnsafeDebugLogging, UnsafeDebugWarning, UnsafeRefused, in_lab, own_addresses

LAB = ["127.0.0.1", "::1", "fe80::1", "192.0.2.10", "198.18.1.10", "2001:db8:46::10", "10.0.0.1", "fd74:7973:7400::1"]


def test_in_a_lab_it_warns_when_it_is_built() -> None:
    with pytest.warns(UnsafeDebugWarning, match="logs addresses"):
        UnsafeDebugLogging(map(ip_address, LAB))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2a00:1450::1", "185.65.134.1", "192.168.1.7", "172.16.0.4", "10.128.0.2", "100.64.0.1", "fd00::7"],
    ids=["world", "world IPv6", "a provider's", "home", "a cloud's", "a cloud's 10/8", "carrier NAT", "somebody's ULA"],
)
def test_it_is_refused_on_a_machine_with_any_other_address(address: str) -> None:
    with pytest.raises(UnsafeRefused, match="for a lab"):
        UnsafeDebugLogging(map(ip_address, [*LAB, address]))
    assert logging.root.level != logging.DEBUG


def test_every_address_of_our_own_lab_counts_as_lab() -> None:
    hosts = [one for part in vars(topology).values() for one in _addresses(part)]
    assert hosts and in_lab(hosts)


def _addresses(part: object) -> list[Address]:
    found: list[Address] = [part] if isinstance(part, IPv4Address | IPv6Address) else []
    if isinstance(part, dict):
        found += [one for value in part.values() for one in _addresses(value)]
    return found


TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.2
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
"""


def test_addresses_are_read_from_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "fib_trie").write_text(TRIE)
    assert own_addresses(tmp_path) == {ip_address("127.0.0.1"), ip_address("192.0.2.2")}, "no IPv6 at all"
    (tmp_path / "if_inet6").write_text("20010db8000f00000000000000000001 02 40 00 80     eth0\n")
    assert ip_address("2001:db8:f::1") in own_addresses(tmp_path)


def test_where_addresses_can_not_be_read_it_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="fib_trie"):
        own_addresses(tmp_path)
