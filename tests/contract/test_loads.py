"""How busy nodes are, through the gate's real door: nodes say it, the site alone hears it."""

from tests.contract.gate_cast import Provider
from tyst.gate.identity import Role
from tyst.messages.admission import Renew, Renewed
from tyst.messages.load import LoadsOf, NodeLoads


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
