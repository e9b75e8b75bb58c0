"""What the gate says of an account's own address, and of busy nodes: to whom it belongs, where, and while it is paid."""

import time
from collections.abc import Iterator

import pytest

from tests.contract.gate_cast import Customer, Provider
from tyst.core.owner import OWNER, owner_of
from tyst.core.seal import Kind, seal_to
from tyst.core.tags import opener_of, tag_of
from tyst.gate import admission, batch, loads, renewals
from tyst.gate.room import Gate
from tyst.messages.admission import Admission, AdmitKey, AdmitLogin, Confirm, Held, Login, Renew, Verdict
from tyst.messages.codec import encode
from tyst.messages.devices import RunBatch
from tyst.messages.load import LoadsOf

ADDRESS = "192.0.2.32"
STO, FRA = "se-sto", "de-fra"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    one = Provider(tmp_path_factory.mktemp("provider") / "state")
    yield one
    one.output.close()


@pytest.fixture
def provider(founded: Provider) -> Provider:
    """The provider without customers."""
    for table in ("public_address", "node_address", "key_record", "account"):
        founded.sql(f"DELETE FROM {table}")
    return founded


@pytest.fixture
def alice(provider: Provider, gate: Gate) -> Customer:
    provider.add_node(STO)
    provider.sql("INSERT INTO node_address (address, node, use) VALUES (?, ?, 'public')", ADDRESS, STO)
    one = provider.customer("alice")
    owner = owner_of(provider.site.secrets[OWNER], "alice", "2026-01-01 10:00:00")
    provider.sql("INSERT INTO public_address VALUES (?, ?)", owner, ADDRESS)
    pays(provider, one, "2099-12-31 23:59:59")
    return one


def pays(provider: Provider, one: Customer, until: str | None) -> None:
    provider.sql("UPDATE account SET ipv4 = ? WHERE handle = ?", until, one.handle)


async def connect(gate: Gate, one: Customer, node: str = STO) -> tuple[Admission, Admission]:
    asked = AdmitKey(tag_of(one.device), opener_of(one.device))
    admitted = await admission.admit_key(gate, node, asked)
    return admitted, await admission.confirm(gate, node, Confirm(admitted.lease))


async def login(gate: Gate, provider: Provider, one: Customer, node: str = STO) -> Admission:
    words = encode(Login(*provider.credential(one)))
    public = provider.site.known["gate"]
    sealed = seal_to(public, Kind.LOGIN, words, context=node.encode(), now=int(time.time()))
    return await admission.admit_login(gate, node, AdmitLogin(sealed))


async def test_her_address_comes_with_every_way_in_at_its_node_and_at_no_other(
    provider: Provider, gate: Gate, alice: Customer
) -> None:
    assert [one.features.mine4 for one in await connect(gate, alice)] == [ADDRESS] * 2
    assert (await login(gate, provider, alice)).features.mine4 == ADDRESS
    assert (await login(gate, provider, alice, FRA)).features.mine4 == ""
    bob = provider.customer("bob")
    pays(provider, bob, "2099-12-31 23:59:59")
    assert [one.features.mine4 for one in await connect(gate, bob)] == [""] * 2


async def test_an_ended_addon_is_not_answered_and_the_tunnel_goes_on(
    provider: Provider, gate: Gate, alice: Customer
) -> None:
    lease = (await connect(gate, alice))[1].lease
    assert not (await renewals.renew(gate, STO, Renew([Held(lease, mine4=ADDRESS)]))).mine4, "nothing new to say"
    pays(provider, alice, "2020-01-01 23:59:59")
    answer = await renewals.renew(gate, STO, Renew([Held(lease, mine4=ADDRESS)]))
    assert answer.mine4 == [(0, "")] and not answer.ended
    assert (await connect(gate, alice))[1].features.mine4 == ""


async def test_a_new_address_reaches_open_tunnels_with_the_renewal(
    provider: Provider, gate: Gate, alice: Customer
) -> None:
    lease = (await connect(gate, alice))[1].lease
    other = await connect(gate, provider.customer("bob"))
    held = [Held(other[1].lease), Held(lease)]
    assert (await renewals.renew(gate, STO, Renew(held))).mine4 == [(1, ADDRESS)]


async def test_the_daily_batch_takes_it_back_once_the_addon_is_over(
    provider: Provider, gate: Gate, alice: Customer
) -> None:
    assert (await batch.run_batch(gate, "", RunBatch())).changed == 0
    pays(provider, alice, "2020-01-01 23:59:59")
    assert (await batch.run_batch(gate, "", RunBatch())).changed == 1
    assert provider.sql("SELECT count(*) FROM public_address") == [(0,)]
    ((rests,),) = provider.sql("SELECT rests FROM node_address")
    assert str(rests).endswith(" 23:59:59")


async def test_the_site_hears_how_busy_nodes_are_for_as_long_as_that_is_fresh(provider: Provider, gate: Gate) -> None:
    await renewals.renew(gate, STO, Renew([], load=7))
    await renewals.renew(gate, STO, Renew([], load=3))
    await renewals.renew(gate, FRA, Renew([]))
    assert (await loads.loads(gate, "site", LoadsOf())).steps == {STO: 3}, "the newest, and nothing of who says nothing"
    late = gate.ticks() + loads.GOOD_FOR
    gate.ticks = lambda: late
    assert (await loads.loads(gate, "site", LoadsOf())).steps == {}


async def test_a_node_cannot_say_more_than_eleven_numbers(gate: Gate) -> None:
    from tyst.messages.codec import MessageError, decode

    with pytest.raises(MessageError):
        decode(encode(Renew([], load=11)), Renew)
    assert (await connect(gate, Customer("nobody", b"n" * 16)))[0].verdict is Verdict.UNKNOWN
