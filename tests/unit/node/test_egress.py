"""The node's part in how tunnels leave: a key a day, and an account's own address only where this node has it."""

from ipaddress import IPv4Address

from tyst.messages.admission import Features
from tyst.messages.network import Pools
from tyst.node.egress import Addresses, Egress

DAY = 86400.0
POOLS = Addresses.of(Pools(tuple(f"192.0.2.{n}" for n in range(20, 28)), "2001:db8:4600::/64", ("192.0.2.32",)))


class Wall:
    now = 1000 * DAY + 5

    def __call__(self) -> float:
        return self.now


def exits(egress: Egress) -> list[IPv4Address | None]:
    return [egress.passage(bytes([number]), Features()).exit4 for number in range(64)]


def test_a_device_leaves_by_one_address_until_midnight_and_by_another_key_afterwards() -> None:
    wall = Wall()
    egress = Egress(lambda: POOLS, wall)
    before = exits(egress)
    wall.now += DAY - 6
    assert exits(egress) == before, "to the last second of the day"
    wall.now += 1
    after = exits(egress)
    assert after != before and exits(egress) == after
    # 8 of 64 are the same by chance; 24 or more, once in ten million days.
    assert sum(a == b for a, b in zip(before, after, strict=True)) < 24


def test_two_nodes_with_the_same_pool_draw_apart() -> None:
    left, right = (exits(Egress(lambda: POOLS, Wall())) for _ in range(2))
    assert sum(a == b for a, b in zip(left, right, strict=True)) < 24


def test_an_address_of_ones_own_counts_only_at_the_node_that_has_it() -> None:
    egress = Egress(lambda: POOLS, Wall())
    assert egress.passage(b"alice", Features(mine4="192.0.2.32")).mine4 == IPv4Address("192.0.2.32")
    for other in ("203.0.113.32", "192.0.2.20", ""):
        assert egress.passage(b"alice", Features(mine4=other)).mine4 is None


def test_without_pools_a_tunnel_leaves_by_the_nodes_own_address() -> None:
    passage = Egress(Addresses, Wall()).passage(b"alice", Features(ipv6=True, streaming=True))
    assert (passage.exit4, passage.exit6, passage.mine4, passage.stream4) == (None,) * 4 and passage.ipv6
