"""Who comes through another node needs the add-on today: at the admission of a key, of a login, and at each renewal."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.gate_cast import Customer, Provider
from tyst.core.seal import Kind, seal_to
from tyst.core.tags import opener_of, tag_of
from tyst.gate import admission, renewals
from tyst.gate.room import Gate
from tyst.messages.admission import Admission, AdmitKey, AdmitLogin, Confirm, Ended, Held, Login, Renew, Verdict, Why
from tyst.messages.codec import encode

NODE = "se-sto"
TODAY = datetime.now(UTC).strftime("%Y-%m-%d 23:59:59")
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d 23:59:59")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    one = Provider(tmp_path_factory.mktemp("gate") / "state")
    yield one
    one.output.close()


def grant(provider: Provider, one: Customer, until: str | None) -> None:
    provider.sql("UPDATE account SET multihop = ? WHERE handle = ?", until, one.handle)


async def by_key(gate: Gate, one: Customer, *, entered: bool) -> Admission:
    return await admission.admit_key(gate, NODE, AdmitKey(tag_of(one.device), opener_of(one.device), entered=entered))


async def by_login(gate: Gate, provider: Provider, one: Customer, *, entered: bool) -> Admission:
    login = encode(Login(*provider.credential(one)))
    public = gate.keys.hpke_public
    sealed = seal_to(public, Kind.LOGIN, login, context=NODE.encode(), now=int(time.time()))
    return await admission.admit_login(gate, NODE, AdmitLogin(sealed, entered))


async def test_alice_enters_by_another_node_only_while_she_has_paid_for_it(provider: Provider, gate: Gate) -> None:
    alice = provider.customer("alice")
    for until in (None, YESTERDAY):
        grant(provider, alice, until)
        assert await by_key(gate, alice, entered=True) == Admission(Verdict.GARDEN, Why.MULTIHOP)
        assert await by_login(gate, provider, alice, entered=True) == Admission(Verdict.GARDEN, Why.MULTIHOP)
        assert (await by_key(gate, alice, entered=False)).verdict is Verdict.OPEN, "directly she may always"
    assert gate.slots.count(gate.account_key(alice.handle), gate.ticks()) == 0, "and no slot is taken for nothing"
    grant(provider, alice, TODAY)
    admitted = await by_key(gate, alice, entered=True)
    assert admitted.verdict is Verdict.OPEN and admitted.features.multihop
    assert (await by_login(gate, provider, alice, entered=True)).verdict is Verdict.OPEN


async def test_without_a_subscription_the_add_on_is_worth_nothing_and_that_is_what_she_hears(
    provider: Provider, gate: Gate
) -> None:
    bob = provider.customer("bob", until=None)
    grant(provider, bob, TODAY)
    assert (await by_key(gate, bob, entered=True)).why is Why.EXPIRED


async def test_a_tunnel_through_an_entry_ends_with_the_add_on_and_a_direct_one_goes_on(
    provider: Provider, gate: Gate
) -> None:
    charlie = provider.customer("charlie")
    grant(provider, charlie, TODAY)
    lease = (await admission.confirm(gate, NODE, Confirm((await by_key(gate, charlie, entered=True)).lease))).lease
    assert (await renewals.renew(gate, NODE, Renew([Held(lease, entered=True)]))).ended == []
    grant(provider, charlie, None)
    assert (await renewals.renew(gate, NODE, Renew([Held(lease)]))).ended == []
    assert (await renewals.renew(gate, NODE, Renew([Held(lease, entered=True)]))).ended == [Ended(0, Why.MULTIHOP)]
    assert gate.slots.count(gate.account_key(charlie.handle), gate.ticks()) == 0
