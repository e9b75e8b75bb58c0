"""The life of WireGuard tunnels, told with a clock in the hand. What packets do is for tests/lab."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.node.stage import Stage
from tyst.core.wireguard.addresses import address4, address6
from tyst.messages.admission import Admission, Features, Held, Verdict, Why
from tyst.node.settings import Settings
from tyst.node.states import NEXT, Event, IllegalMove, State, after

ALICE = Stage.key("alice")
GARDEN = Admission(Verdict.GARDEN, Why.SLOTS)
UNKNOWN = Admission(Verdict.UNKNOWN)


def nothing_left(stage: Stage) -> bool:
    kernel = stage.kernel
    return not (kernel.peers or kernel.open or kernel.garden or kernel.egress6 or len(stage.tunnels.table))


async def test_alice_has_a_peer_and_addresses_only_after_the_gate_said_yes() -> None:
    stage = Stage()
    assert nothing_left(stage)
    await stage.knock("alice")
    assert stage.kernel.peers == {ALICE: [address4(ALICE), address6(ALICE)]}
    assert stage.kernel.open == {address4(ALICE), address6(ALICE)} and len(stage.kernel.handed) == 1
    assert stage.tunnels.held() == [], "a provisional lease is not held"
    await stage.speak("alice")
    assert stage.gate.asked == ["admit", "confirm"] and stage.tunnels.held() == [Held(b"lease 2", False)]


async def test_a_recorded_initiation_gets_nothing_lasting() -> None:
    stage = Stage()
    await stage.knock("alice")
    await stage.later(11)
    assert nothing_left(stage) and stage.gate.returned == [b"lease 1"]
    assert "confirm" not in stage.gate.asked
    stage.time = 0.0
    await stage.knock("alice")
    assert nothing_left(stage), "the very same initiation opens nothing twice"


async def test_a_key_without_a_record_gets_nothing_and_is_not_asked_for_again_at_once() -> None:
    stage = Stage()
    stage.gate.admissions = [UNKNOWN, Admission(Verdict.OPEN)]
    await stage.knock("mallory")
    await stage.knock("mallory", 1)
    assert nothing_left(stage) and stage.gate.asked == ["admit"] and stage.kernel.handed == []
    await stage.later(11)
    await stage.knock("mallory")
    assert stage.gate.asked == ["admit", "admit"], "by then the key may have been registered"


async def test_idle_for_180_seconds_the_peer_is_gone_and_the_lease_returned() -> None:
    stage = Stage()
    await stage.connect("alice")
    await stage.later(179)
    assert stage.kernel.peers
    await stage.later(2)
    assert nothing_left(stage) and stage.gate.returned == [b"lease 2"]
    assert stage.kernel.lingering == [address4(ALICE), address6(ALICE)]


async def test_a_new_handshake_keeps_the_tunnel() -> None:
    stage = Stage()
    await stage.connect("alice")
    await stage.later(120)
    await stage.speak("alice")
    await stage.later(120)
    assert stage.tunnels.held() == [Held(b"lease 2", False)]
    await stage.later(20)
    assert stage.tunnels.held() == [Held(b"lease 2", True)], "no handshake for 130 s is quiet"


@pytest.mark.parametrize("jump", [365 * 86400.0, -365 * 86400.0])
async def test_a_jump_of_the_clock_ends_nobody_early_and_keeps_nobody_for_ever(jump: float) -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.wall = jump
    await stage.later(10)
    await stage.speak("alice")
    await stage.later(100)
    assert stage.kernel.peers
    await stage.later(190)
    assert nothing_left(stage)


async def test_bob_whose_ipv4_address_alice_holds_gets_ipv6_and_takes_nothing_from_her(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tyst.node.table.address4", lambda public: address4(ALICE))
    stage, bob = Stage(), Stage.key("bob")
    stage.gate.admissions = stage.gate.confirmations = [Admission(Verdict.OPEN, features=Features(ipv6=False))]
    await stage.connect("alice")
    await stage.connect("bob")
    assert stage.kernel.peers == {ALICE: [address4(ALICE), address6(ALICE)], bob: [address6(bob)]}
    assert address6(bob) in stage.kernel.egress6, "IPv6 is all he has, whatever his settings say"
    await stage.tunnels.end(stage.tunnels.held()[1].lease, Why.GONE)
    assert address4(ALICE) in stage.kernel.open


async def test_a_full_account_lands_in_the_garden_over_ipv6_only_and_is_promoted_when_a_slot_is_free() -> None:
    stage = Stage()
    stage.gate.confirmations = [GARDEN, GARDEN, Admission(Verdict.OPEN, features=Features(ipv6=True))]
    await stage.connect("alice")
    assert stage.kernel.peers == {ALICE: [address6(ALICE)]}
    assert (stage.kernel.open, stage.kernel.garden) == (set(), {address6(ALICE)})
    assert stage.tunnels.reason_of(address6(ALICE)) is Why.SLOTS and stage.tunnels.held() == []
    await stage.tunnels.ask_again()
    assert stage.kernel.garden == {address6(ALICE)}
    await stage.tunnels.ask_again()
    assert stage.kernel.open == {address4(ALICE), address6(ALICE)} and not stage.kernel.garden
    assert stage.tunnels.reason_of(address6(ALICE)) is Why.NONE and len(stage.tunnels.held()) == 1


async def test_the_garden_is_capped_and_short_lived() -> None:
    stage = Stage(Settings(garden_cap=2))
    stage.gate.admissions = [GARDEN]
    for name in ("alice", "bob", "charlie"):
        await stage.connect(name)
    assert len(stage.kernel.garden) == 2
    for _ in range(7):
        await stage.later(100)
        for name in ("alice", "bob"):
            if stage.key(name) in stage.kernel.peers:
                await stage.speak(name)
    assert nothing_left(stage)


async def test_a_garden_peer_that_never_speaks_goes_after_ten_seconds() -> None:
    stage = Stage()
    stage.gate.admissions = [GARDEN]
    await stage.knock("alice")
    await stage.later(11)
    assert nothing_left(stage)


@pytest.mark.parametrize(
    ("why", "place"), [(Why.EXPIRED, "garden"), (Why.SLOTS, "garden"), (Why.GONE, "out"), (Why.NODE, "out")]
)
async def test_what_the_gate_ends_moves_to_the_garden_or_out(why: Why, place: str) -> None:
    stage = Stage()
    await stage.connect("alice")
    await stage.tunnels.end(b"lease 2", why)
    assert stage.kernel.garden == ({address6(ALICE)} if place == "garden" else set())
    assert stage.kernel.open == set() and stage.tunnels.held() == []
    assert bool(stage.kernel.peers) == (place == "garden")
    assert stage.gate.returned == [], "the gate ended it, so there is nothing to give back"


async def test_a_lease_that_had_its_24_hours_is_renewed_under_the_open_tunnel() -> None:
    stage = Stage()
    await stage.connect("alice")
    await stage.tunnels.end(b"lease 2", Why.BUSY)
    await stage.settle()
    assert stage.tunnels.held() == [Held(b"lease 4", False)] and stage.kernel.open


async def test_fresh_bytes_replace_a_lease() -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.tunnels.replace(b"lease 2", b"fresh")
    assert stage.tunnels.held() == [Held(b"fresh", False)]
    await stage.tunnels.end(b"lease 2", Why.GONE)
    assert stage.tunnels.held() == [Held(b"fresh", False)], "the old bytes name nothing any more"


async def test_the_gate_lost_alice_keeps_her_tunnel_and_may_return_but_bob_may_not_come() -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.lose_gate()
    await stage.later(181)
    assert nothing_left(stage) and stage.gate.returned == []
    assert ALICE not in str(vars(stage.tunnels)).encode(), "what is kept for her return is a hash"
    await stage.connect("bob")
    assert stage.kernel.garden == {address6(stage.key("bob"))}
    assert stage.tunnels.reason_of(address6(stage.key("bob"))) is Why.UNREACHABLE
    await stage.connect("alice")
    assert address4(ALICE) in stage.kernel.open and stage.tunnels.held() == [Held(b"lease 2", False)]


async def test_a_replay_while_the_gate_is_lost_does_not_use_up_alices_return() -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.lose_gate()
    await stage.later(181)
    await stage.knock("alice")
    await stage.later(11)
    assert nothing_left(stage)
    await stage.connect("alice")
    assert address4(ALICE) in stage.kernel.open


async def test_after_24_hours_without_a_gate_every_tunnel_ends_and_nobody_returns() -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.lose_gate()
    stage.gate.lost_for = 86399.0
    await stage.later(1)
    assert stage.kernel.peers
    stage.gate.lost_for = 86400.0
    await stage.later(1)
    assert nothing_left(stage)
    await stage.connect("alice")
    assert stage.kernel.open == set() and stage.kernel.garden == {address6(ALICE)}


async def test_the_gate_found_again_hears_of_sleeping_leases_and_lets_the_garden_out() -> None:
    stage = Stage()
    await stage.connect("alice")
    stage.lose_gate()
    await stage.later(181)
    await stage.connect("bob")
    await stage.find_gate()
    assert stage.gate.returned == [b"lease 2"]
    assert address4(stage.key("bob")) in stage.kernel.open and not stage.kernel.garden


async def test_a_peer_that_the_table_does_not_know_is_removed_at_the_next_look() -> None:
    stage = Stage()
    stage.kernel.peers[b"s" * 32] = []
    await stage.tunnels.look()
    assert nothing_left(stage)


async def test_a_flood_of_new_keys_asks_the_gate_only_so_often() -> None:
    stage = Stage(Settings(asks_rate=1.0, asks_burst=5.0))
    stage.gate.admissions = [UNKNOWN]
    for number in range(50):
        await stage.knock(f"mallory {number}")
    assert len(stage.gate.asked) == 5 and nothing_left(stage)


async def test_when_the_node_stops_every_lease_goes_back() -> None:
    stage = Stage()
    await stage.connect("alice")
    await stage.knock("bob")
    await stage.tunnels.close_all()
    assert nothing_left(stage) and len(stage.gate.returned) == 2


@given(st.sampled_from(list(State)), st.sampled_from(list(Event)))
def test_an_event_that_the_table_does_not_name_raises(state: State, event: Event) -> None:
    if event in NEXT[state]:
        assert after(state, event) in State
    else:
        with pytest.raises(IllegalMove):
            after(state, event)


STEPS = st.sampled_from(["knock", "speak", "wait", "idle", "lose", "find", "garden", "open", "unknown", "end", "ask"])


@given(st.lists(st.tuples(STEPS, st.sampled_from(["alice", "bob"])), max_size=30))
@settings(max_examples=150, deadline=None)
async def test_whatever_happens_peers_addresses_and_table_agree(steps: list[tuple[str, str]]) -> None:
    stage = Stage()
    for step, name in steps:
        await _take(stage, step, name)
        held = {address for addresses in stage.kernel.peers.values() for address in addresses}
        assert stage.kernel.open | stage.kernel.garden == held
        assert not stage.kernel.open & stage.kernel.garden and stage.kernel.egress6 <= stage.kernel.open
        assert set(stage.kernel.peers) == set(stage.tunnels.table.publics())
        assert not stage.tunnels.trouble.is_set()
    await stage.later(1000)
    await stage.later(1)
    assert nothing_left(stage)


async def _take(stage: Stage, step: str, name: str) -> None:
    answers = {"garden": GARDEN, "open": Admission(Verdict.OPEN), "unknown": UNKNOWN}
    if step in answers:
        stage.gate.admissions = [answers[step]]
        stage.gate.confirmations = [answers[step]]
    elif step == "knock":
        stage.time += 0.01
        await stage.knock(name)
    elif step == "speak" and stage.key(name) in stage.kernel.peers:
        await stage.speak(name)
    elif step in ("wait", "idle"):
        await stage.later(11 if step == "wait" else 181)
    elif step == "lose":
        stage.lose_gate()
    elif step == "find":
        await stage.find_gate()
    elif step == "end" and stage.tunnels.held():
        await stage.tunnels.end(stage.tunnels.held()[0].lease, Why.SLOTS)
    elif step == "ask":
        await stage.tunnels.ask_again()
        await stage.settle()
