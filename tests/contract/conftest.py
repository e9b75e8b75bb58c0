"""A provider whose gate runs as a process, its nodes and its site: what the gate's contract tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.gate_cast import Node, Provider, Visitor
from tyst.gate.identity import Role


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    one = Provider(tmp_path / "state")
    one.start()
    yield one
    if one.process is not None:
        one.stop()
    assert one.said() == b""
    one.output.close()


@pytest.fixture
async def sto(provider: Provider) -> AsyncIterator[Node]:
    node = await provider.node("se-sto")
    yield node
    await node.close()


@pytest.fixture
async def fra(provider: Provider) -> AsyncIterator[Node]:
    node = await provider.node("de-fra")
    yield node
    await node.close()


@pytest.fixture
async def site(provider: Provider) -> AsyncIterator[Visitor]:
    visitor = provider.visitor(Role.SITE)
    yield visitor
    await visitor.close()
