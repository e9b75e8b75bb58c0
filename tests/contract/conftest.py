"""A provider whose gate runs as a process, its nodes and its site: what the gate's contract tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.counter import Counter
from tests.contract.gate_cast import Node, Provider, Visitor
from tests.unit.django_once import database_path
from tyst.gate.identity import Role

database_path()  # Django is set up as the site does it, before anything else could


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


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    """A site that sells, with the processors' fakes. What it said is judged at the end: nothing."""
    one = Counter(tmp_path_factory.mktemp("state"))
    yield one
    assert one.stop() == ("", ""), "the site says nothing about anything"
