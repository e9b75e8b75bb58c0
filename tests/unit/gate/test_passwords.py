"""The password desk: nodes take turns, a full queue says so, and a name that nobody has costs the same."""

import asyncio

import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from tyst.gate.passwords import LANES, MEMORY_KIB, PASSES, PasswordDesk

STORED = PasswordHasher(PASSES, MEMORY_KIB, LANES).hash(b"open sesame")


async def test_the_right_password_is_right_and_nothing_else_is() -> None:
    desk = PasswordDesk(1)
    assert await desk.verify("se-sto", STORED, b"open sesame") is True
    assert await desk.verify("se-sto", STORED, b"open") is False
    assert await desk.verify("se-sto", "not a hash", b"open sesame") is False
    assert await desk.verify("se-sto", None, b"open sesame") is False
    desk.close()


async def test_a_node_with_a_full_queue_is_told_so_and_another_still_gets_its_turn() -> None:
    desk = PasswordDesk(1, queue=2)
    mallorys = [asyncio.create_task(desk.verify("mallory", None, b"guess")) for _ in range(10)]
    await asyncio.sleep(0)
    alices = asyncio.create_task(desk.verify("se-sto", STORED, b"open sesame"))
    assert await alices is True
    answers = [await task for task in mallorys]
    assert answers.count(None) == 7 and answers.count(False) == 3
    desk.close()


async def test_nodes_take_turns() -> None:
    desk = PasswordDesk(1)
    order: list[str] = []

    async def login(node: str) -> None:
        await desk.verify(node, None, b"guess")
        order.append(node)

    await asyncio.gather(*(login(node) for node in ["flood"] * 6 + ["quiet"]))
    assert "quiet" in order[:3]
    desk.close()


async def test_a_name_that_nobody_has_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = PasswordDesk(1)
    verified: list[Parameters] = []

    def verify(hasher: PasswordHasher, stored: str, password: bytes) -> bool:
        verified.append(extract_parameters(stored))
        return True

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    assert await desk.verify("se-sto", STORED, b"guess") is True
    assert await desk.verify("se-sto", None, b"guess") is False
    assert verified == [extract_parameters(STORED)] * 2
    desk.close()
