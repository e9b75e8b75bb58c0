"""How busy nodes are, through the gate's real door: nodes say it, the site alone hears it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.gate_cast import Provider
from tyst.gate.identity import Role
from tyst.messages.admission import Renew, Renewed
from tyst.messages.load import LoadsOf, NodeLoads


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    one = Provider(tmp_path / "state")
    one.start()
    yield one
    one.stop()
    assert one.said() == b""
    one.output.close()


async def test_the_site_alone_hears_how_busy_nodes_are(provider: Provider) -> None:
    sto, site, operator = await provider.node("se-sto"), provider.visitor(Role.SITE), provider.visitor(Role.OPERATOR)
    try:
        for step in (9, 4):
            (await sto.post("renew", Renew([], load=step))).as_(Renewed)
        assert (await site.post("loads", LoadsOf())).as_(NodeLoads).steps == {"se-sto": 4}
        for other in (sto, operator):
            assert (await other.post("loads", LoadsOf())).refusal.code == "role"
    finally:
        for one in (sto, site, operator):
            await one.close()
