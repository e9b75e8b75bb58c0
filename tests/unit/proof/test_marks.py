"""The values of a run."""

import ipaddress
import random

import pytest

from tyst.core.residue import Mark, MarkKind
from tyst.proof.marks import Draw, OutOfAddresses, Places, draw_seed, quiet

PLACES = Places(ipaddress.IPv4Network("198.18.0.0/15"), ipaddress.IPv6Network("2001:db8::/48"))
PEOPLE = ["alice", "bob", "charlie", "mallory"]


def test_everybody_has_marks_of_every_sort_and_a_decoy_for_each() -> None:
    seed = draw_seed(PEOPLE, PLACES)
    assert len(seed.marks) == len(seed.decoys) == 10 * len(PEOPLE)
    assert [d.name for d in seed.decoys] == [f"decoy.{m.name}" for m in seed.marks]
    assert all(decoy.decoy for decoy in seed.decoys)
    assert len({mark.value for mark in seed.all}) == len(seed.all)


def test_addresses_lie_in_the_network_and_their_free_bytes_are_rare_ones() -> None:
    draw = Draw(random.Random(5))
    for _ in range(200):
        four = ipaddress.IPv4Address(draw.address4(PLACES.network4))
        six = ipaddress.IPv6Address(draw.address6(PLACES.network6))
        assert four in PLACES.network4
        assert six in PLACES.network6
        assert all(map(quiet, four.packed[2:]))
        assert all(map(quiet, six.packed[6:]))


def test_no_address_of_the_lab_is_drawn_and_a_full_network_says_so() -> None:
    network = ipaddress.IPv4Network("198.51.100.0/24")
    free = [str(a) for a in network if quiet(a.packed[3])]
    draw = Draw(random.Random(7), taken=free[1:])
    assert draw.address4(network) == free[0]
    with pytest.raises(OutOfAddresses):
        draw.address4(network)


def test_two_runs_share_no_mark() -> None:
    assert not {m.value for m in draw_seed(PEOPLE, PLACES).all} & {m.value for m in draw_seed(PEOPLE, PLACES).all}


def test_values_fit_the_forms_that_they_are_typed_into() -> None:
    draw = Draw(random.Random(9))
    assert draw.username().isalnum()
    assert not draw.username().startswith("vpn")
    assert draw.name().endswith(".probe.test")
    assert draw.mac().startswith("02:")
    assert len(draw.key()) == 32


def test_a_key_that_became_known_later_joins_the_marks() -> None:
    seed = draw_seed(["alice"], PLACES)
    key = Mark("alice.key", MarkKind.KEY, Draw().key())
    assert key in seed.joined(key).marks
    assert seed.text("alice.username") in {m.value for m in seed.marks}
    with pytest.raises(KeyError):
        seed.joined(key).text("alice.key")
