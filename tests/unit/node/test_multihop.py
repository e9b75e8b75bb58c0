"""The exit's side: who comes through an entry is asked about as such, from the first knock to every move afterwards."""

from types import SimpleNamespace
from typing import cast

from tests.unit.core.wireguard.initiator import Initiator
from tests.unit.node.stage import PACKET, Stage
from tyst.core.wireguard.handshake import Responder
from tyst.messages.admission import Admission, AdmitKey, Features, Verdict, Why
from tyst.messages.network import Exit, Network, NetworkOf
from tyst.node.entries import Entries
from tyst.node.listener import Listener
from tyst.node.network import Fleet
from tyst.node.openvpn.limiter import BUCKETS, WRONG_BY_ENTRY, WRONG_PER_MINUTE, LoginLimiter
from tyst.node.packets import Captured
from tyst.node.states import State

FRA = Exit(2, "de-fra", "203.0.113.10", "2001:db8:49::10")
FRA4, FRA6, HER4 = b"\xcb\x00\x71\x0a", bytes.fromhex("20010db8004900000000000000000010"), PACKET.source
MAY, MAY_NOT = Features(multihop=True), Features()
GARDEN = Admission(Verdict.GARDEN, Why.MULTIHOP)


class EntryStage(Stage):
    """A stage on which knocks come from an entry while `entered`, and the gate notes what it is told of that."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.told = True, list[bool]()
        self.tunnels._from_entry = lambda source: self.entered and source == HER4
        asked = self.gate.admit_key

        async def admit_key(question: AdmitKey) -> Admission:
            self.told.append(question.entered)
            return await asked(question)

        self.gate.admit_key = admit_key  # type: ignore[method-assign]

    def allow(self, features: Features) -> None:
        self.gate.admissions = self.gate.confirmations = [Admission(Verdict.OPEN, features=features)]

    def state(self, name: str) -> State:
        tunnel = self.tunnels.table.get(self.key(name))
        return tunnel.state if tunnel is not None else State.GONE

    async def move(self, name: str, *, entered: bool) -> None:
        """Her packets come from elsewhere from now on; WireGuard says so at the next look."""
        (self.kernel.entered.add if entered else self.kernel.entered.discard)(self.key(name))
        await self.tunnels.note()
        await self.settle()


class NoGate:
    async def network(self, question: NetworkOf) -> Network:
        return Network(b"2", exits=(FRA, Exit(3, "no-osl", "203.0.113.99", "2001:db8:99::1")))


async def test_alice_through_an_entry_is_asked_about_as_such_and_let_in_with_the_right() -> None:
    stage = EntryStage()
    stage.allow(MAY)
    stage.kernel.entered.add(stage.key("alice"))
    await stage.connect("alice")
    assert stage.told == [True] and stage.state("alice") is State.OPEN
    assert [held.entered for held in stage.tunnels.held()] == [True]


async def test_alice_without_the_right_is_in_the_garden_with_its_reason_until_she_has_it() -> None:
    stage = EntryStage()
    stage.gate.admissions = [GARDEN]
    stage.kernel.entered.add(stage.key("alice"))
    await stage.connect("alice")
    tunnel = stage.tunnels.table.get(stage.key("alice"))
    assert tunnel is not None and stage.tunnels.reason_of(tunnel.address6) is Why.MULTIHOP
    await stage.tunnels.ask_again()
    assert stage.told == [True, True] and stage.state("alice") is State.GARDEN
    stage.allow(MAY)
    await stage.tunnels.ask_again()
    await stage.settle()
    assert stage.state("alice") is State.OPEN


async def test_who_moves_to_an_entry_without_the_right_is_confined_and_her_slot_goes_back() -> None:
    stage = EntryStage()
    stage.entered = False
    stage.allow(MAY_NOT)
    await stage.connect("alice")
    assert stage.told == [False] and stage.state("alice") is State.OPEN
    (lease,) = (held.lease for held in stage.tunnels.held())
    await stage.move("alice", entered=True)
    assert stage.state("alice") is State.GARDEN and stage.gate.returned == [lease]
    await stage.move("alice", entered=False)
    await stage.tunnels.ask_again()
    await stage.settle()
    assert stage.told == [False, False] and stage.state("alice") is State.OPEN, "and back again without a question"


async def test_who_may_moves_as_she_likes() -> None:
    stage = EntryStage()
    stage.entered = False
    stage.allow(MAY)
    await stage.connect("alice")
    for entered in (True, False, True):
        await stage.move("alice", entered=entered)
        assert stage.state("alice") is State.OPEN
        assert [held.entered for held in stage.tunnels.held()] == [entered]


async def test_who_moves_before_she_is_confirmed_is_confined_all_the_same() -> None:
    stage = EntryStage()
    stage.entered = False
    stage.allow(MAY_NOT)
    await stage.knock("alice")
    stage.kernel.entered.add(stage.key("alice"))
    await stage.speak("alice")
    assert stage.state("alice") is State.GARDEN


async def test_the_gates_word_at_a_renewal_leads_to_the_garden() -> None:
    stage = EntryStage()
    stage.allow(MAY)
    await stage.connect("alice")
    (lease,) = (held.lease for held in stage.tunnels.held())
    await stage.tunnels.end(lease, Why.MULTIHOP)
    assert stage.state("alice") is State.GARDEN


async def test_in_an_outage_only_who_had_the_right_comes_back_through_an_entry() -> None:
    for features, expected in ((MAY, State.OPEN), (MAY_NOT, State.GARDEN)):
        stage = EntryStage()
        stage.entered = features is MAY
        stage.allow(features)
        await stage.connect("alice")
        stage.lose_gate()
        await stage.later(200)
        assert stage.state("alice") is State.GONE
        stage.entered = True
        await stage.knock("alice", 7)
        assert stage.state("alice") is expected


# --- the fleet's addresses ---------------------------------------------------------------------------------------


async def test_entries_are_the_fleet_as_it_is_now() -> None:
    fleet = Fleet(NoGate(), Network(b"1", exits=(FRA,)), lambda _: None)
    entries = Entries(fleet)
    assert [entries.number_of(source) for source in (FRA4, FRA6, HER4)] == [2, 2, None]
    assert FRA4 in entries and HER4 not in entries
    assert entries.texts == {b"203.0.113.10", b"2001:db8:49::10"}
    await fleet.refresh()
    assert entries.number_of(b"\xcb\x00\x71\x63") == 3 and len(entries.addresses) == 4


async def test_an_address_that_is_none_changes_nothing() -> None:
    class Wrong:
        async def network(self, question: NetworkOf) -> Network:
            return Network(b"2", exits=(Exit(2, "de-fra", "nowhere", "2001:db8::1"),))

    fleet = Fleet(Wrong(), Network(b"1", exits=(FRA,)), lambda _: None)
    assert not await fleet.refresh() and len(fleet.exits) == 1


def test_a_fleets_entry_has_no_bucket_at_the_listener() -> None:
    responder, heard = Responder(b"n" * 32), list[object]()
    ear = Listener(
        responder,
        port=2,
        wireguard=1,
        served=lambda _: False,
        knock=heard.append,
        clock=lambda: 0.0,
        from_entry=lambda source: source == FRA4,
    )
    people = [Initiator(bytes([1 + n % 250, n // 250]) * 16, responder.public) for n in range(250)]
    for source, passed in ((HER4, 200), (FRA4, 250)):
        heard.clear()
        for one in people:
            ear.consider(Captured(source, 4444, b"\xc0\x00\x02\x0a", 51820, one.initiation()))
        assert len(heard) == passed


def test_an_entry_has_a_larger_bucket_of_its_own_for_logins() -> None:
    entries = Entries(cast(Fleet, SimpleNamespace(exits=Fleet(NoGate(), Network(b"", exits=(FRA,)), print).exits)))
    limiter = LoginLimiter(lambda: 0.0, bytes, entries.number_of)
    hers, theirs, same = (limiter.bucket_of(one) for one in ("198.51.100.11", "203.0.113.10", "2001:db8:49::10"))
    assert theirs == same == BUCKETS + 2
    assert limiter.entered(theirs) and not limiter.entered(hers)
    for bucket, most in ((hers, WRONG_PER_MINUTE), (theirs, WRONG_BY_ENTRY)):
        assert sum(limiter.take(bucket) is not None for _ in range(500)) == most
