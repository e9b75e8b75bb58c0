"""The node and the operator's lists: what is new is taken, what isn't hers or is older changes nothing."""

import asyncio
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core.lists import made, signed
from tyst.messages.lists import PIECE, ListsOf, Piece
from tyst.node.gate_link import GateAbsent
from tyst.node.lists import REFUSED, Keeper

OPERATOR, MALLORY = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
PUBLIC = OPERATOR.public_key().public_bytes_raw()


def bundle(version: int, *names: str, key: Ed25519PrivateKey = OPERATOR) -> bytes:
    return signed(made(version, {"ads": names or (f"v{version}.test",)}), key)


class Gate:
    """Hands on what it has, in pieces, or is away."""

    def __init__(self) -> None:
        self.has, self.away, self.asked = b"", False, 0

    @property
    def version(self) -> bytes:
        return hashlib.blake2s(self.has, digest_size=16).digest() if self.has else b""

    async def lists(self, question: ListsOf) -> Piece:
        self.asked += 1
        if self.away:
            raise GateAbsent
        if question.version != self.version:
            return Piece(0, b"")
        return Piece(len(self.has), self.has[question.start : question.start + PIECE])


class Node:
    """A keeper, and what it kept and said."""

    def __init__(self, gate: Gate, before: bytes = b"", public: bytes = PUBLIC) -> None:
        self.gate, self.kept, self.said = gate, before, list[str]()
        self.keeper = Keeper(gate, public, before, wanted=lambda: gate.version, keep=self._keep, say=self.said.append)

    def _keep(self, data: bytes) -> None:
        self.kept = data

    def looks(self) -> tuple[str, ...]:
        asyncio.run(self.keeper.look())
        return self.keeper.now.of("ads")


def test_a_new_bundle_is_taken_once_and_kept() -> None:
    gate = Gate()
    node = Node(gate)
    assert node.looks() == () and gate.asked == 0, "no lists, no question"
    gate.has = bundle(1)
    assert node.looks() == ("v1.test",) and node.kept == gate.has
    asked = gate.asked
    assert node.looks() == ("v1.test",) and gate.asked == asked


def test_a_bundle_of_several_pieces_is_put_together() -> None:
    gate = Gate()
    gate.has = bundle(1, *(f"{number:060d}.test" for number in range(40_000)))
    assert len(gate.has) > 2 * PIECE and len(Node(gate).looks()) == 40_000 and gate.asked == 3


@pytest.mark.parametrize(
    "wrong",
    [bundle(2), bundle(3), bundle(9, key=MALLORY), bundle(9)[:-1], b"x" * 100],
    ids=["older", "as old", "mallory's", "cut", "junk"],
)
def test_an_older_a_foreign_or_a_broken_bundle_changes_nothing_and_is_said_once(wrong: bytes) -> None:
    gate = Gate()
    gate.has = bundle(3)
    node = Node(gate)
    assert node.looks() == ("v3.test",) and node.said == []
    kept, gate.has = node.kept, wrong
    if wrong == kept:
        gate.has = bundle(3, "another.test")
    assert node.looks() == ("v3.test",) and node.looks() == ("v3.test",)
    assert node.kept == kept and node.said == [REFUSED]
    gate.has = bundle(4)
    assert node.looks() == ("v4.test",), "and the next good one is taken"


def test_a_restarted_agent_takes_none_that_is_older_than_what_it_had() -> None:
    gate = Gate()
    gate.has = bundle(2)
    node = Node(gate, before=bundle(5))
    assert node.looks() == ("v5.test",) and node.said == [REFUSED]


def test_an_absent_gate_changes_nothing_and_is_asked_again() -> None:
    gate = Gate()
    gate.has, gate.away = bundle(1), True
    node = Node(gate)
    assert node.looks() == () and node.keeper.behind and node.said == []
    gate.away = False
    assert node.looks() == ("v1.test",) and not node.keeper.behind


def test_a_node_without_the_operators_key_takes_no_lists() -> None:
    gate = Gate()
    gate.has = bundle(1)
    assert Node(gate, public=b"").looks() == () and gate.asked == 0
