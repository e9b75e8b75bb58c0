"""Which servers come first: the least busy, the same for everybody, and asked for seldom."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from tests.unit.site.conftest import Site
from tests.unit.site.person import Clock


def test_the_least_busy_server_of_each_city_comes_first(tables: Path) -> None:
    from tyst.records.places import PublicNode
    from tyst.site.steering import in_order, recommended

    one = PublicNode("", "", "", IPv4Address(1), IPv6Address(1), True, bytes(32), 1, 1, 1, 1, 1)
    fra, got, sto, two, three = (
        replace(one, name=name, city=city, country=country)
        for name, city, country in (
            ("de-fra", "Frankfurt", "de"),
            ("se-got", "Gothenburg", "se"),
            ("se-sto1", "Stockholm", "se"),
            ("se-sto2", "Stockholm", "se"),
            ("se-sto3", "Stockholm", "se"),
        )
    )
    nodes = [fra, got, sto, two, three]
    loads = {"de-fra": 0, "se-got": 3, "se-sto1": 7, "se-sto3": 2}
    assert in_order(nodes, loads) == [fra, got, three, sto, two], "one that says nothing comes last"
    assert recommended(nodes, loads) == {"se-sto3"}, "one in a country with a choice, none where there is none"
    assert in_order(nodes, {}) == nodes and not recommended(nodes, {})
    assert not recommended(nodes, dict.fromkeys(loads, 10)), "full ones are not recommended"


def test_the_gate_is_asked_at_most_every_20_seconds_and_missed_by_nobody(site: Site) -> None:
    from tyst.site.steering import Steering

    clock, asked = Clock(), []

    class Gate:
        def loads(self) -> dict[str, int]:
            asked.append(clock())
            if len(asked) == 2:
                raise GateError("away")
            return {"se-sto": len(asked)}

    from tyst.site.gate_client import GateError

    steering = Steering(Gate(), clock)  # type: ignore[arg-type]
    assert [steering.loads() for _ in range(3)] == [{"se-sto": 1}] * 3
    clock.forward(seconds=20)
    assert steering.loads() == steering.loads() == {}
    clock.forward(seconds=20)
    assert steering.loads() == {"se-sto": 3} and len(asked) == 3


def test_alice_sees_the_idle_server_recommended_whoever_she_is(site: Site) -> None:
    from tyst.records.models import Node

    first = Node.objects.get(name="se-sto")
    facts = {"ipv4": "192.0.2.11", "ipv6": "2001:db8::11", "wireguard_public": bytes(32), "number": 9}
    Node(name="se-sto2", location=first.location, **facts).save(force_insert=True)
    site.gate.busy = {"se-sto": 8, "se-sto2": 1}
    pages = [site.subscriber(name).get("/en/account/openvpn").text for name in ("alice", "bob")]
    for text in pages:
        assert text.index("se-sto2") < text.index("se-sto<") and text.count(">recommended<") == 1
