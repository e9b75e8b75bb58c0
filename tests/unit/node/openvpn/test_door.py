"""The door of one OpenVPN process: Alice comes in, Mallory doesn't, and every slot goes back exactly once."""

import asyncio
from collections.abc import Iterable
from itertools import count

from tyst.core.openvpn.management import Connect, Disconnect, Established, Event, Reauth, State, Unreadable
from tyst.core.openvpn.server import Range
from tyst.core.transient import Transient
from tyst.messages.admission import Admission, Features, Verdict, Why
from tyst.node.doors import GateState, Passage
from tyst.node.egress import plain
from tyst.node.openvpn.door import ASKING_AT_ONCE, ESTABLISH_SECONDS, IDLE_SECONDS, Door, Shared
from tyst.node.openvpn.limiter import WRONG_PER_MINUTE, LoginLimiter
from tyst.node.openvpn.outage import LONGEST_OUTAGE, Outage


class World:
    """Gate, firewall, flows, clock and openvpn in one: does as it is told, and remembers."""

    def __init__(self) -> None:
        self.state = GateState.CONNECTED
        self.answer = Admission(Verdict.OPEN, lease=b"", features=Features(ipv6=True))
        self.hold: asyncio.Event | None = None
        self.granted: list[bytes] = []
        self.returned: list[bytes] = []
        self.sealed: list[bytes] = []
        self.entered: list[bool] = []
        self.open: set[str] = set()
        self.v6: list[bool] = []
        self.sent: list[bytes] = []
        self.now = 0.0
        self._numbers = count(1)
        outage = Outage(lambda: self.now, b"k" * 32)
        limiter = LoginLimiter(lambda: self.now, self.draw)
        self.door = Door(
            Range(0),
            self.sent.append,
            Shared(self, self, self, plain, self.seal, limiter, outage, self.draw, lambda: self.now),  # type: ignore[arg-type]
        )

    def draw(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size)

    def seal(self, username: Transient[str], password: Transient[str]) -> bytes:
        return f"{username.reveal()}/{password.reveal()}".encode()

    async def admit_login(self, sealed: bytes, entered: bool) -> Admission:
        self.entered.append(entered)
        if self.state is GateState.LOST:
            return Admission(Verdict.REFUSED, Why.UNREACHABLE)
        self.sealed.append(sealed)
        if self.hold is not None:
            await self.hold.wait()
        if self.answer.verdict is not Verdict.OPEN:
            return self.answer
        self.granted.append(b"lease-%d" % len(self.granted))
        return Admission(Verdict.OPEN, lease=self.granted[-1], features=self.answer.features)

    def give_back(self, lease: bytes) -> None:
        self.returned.append(lease)

    def admit(self, addresses: Iterable[object], passage: Passage) -> None:
        self.open |= {str(address) for address in addresses}
        self.v6.append(passage.ipv6)

    def release(self, addresses: Iterable[object]) -> None:
        self.open -= {str(address) for address in addresses}

    def linger(self, addresses: Iterable[object]) -> None: ...

    def purge(self, addresses: Iterable[object]) -> None: ...

    async def tell(self, *events: Event) -> None:
        for event in events:
            self.door.handle(event)
        for _ in range(5):
            await asyncio.sleep(0)

    async def up(self, cid: int, name: str = "alice") -> None:
        await self.tell(
            login(cid, name),
        )
        await self.tell(Established(cid))

    def last(self) -> str:
        return self.sent[-1].decode()


def login(cid: int, name: str = "alice", word: str = "correct", *, bucket: int = 1) -> Connect:
    return Connect(cid, 0, Transient(name), Transient(word), bucket)


async def test_alice_comes_in_gets_addresses_and_leaves_nothing() -> None:
    world = World()
    await world.tell(login(1))
    assert world.sealed == [b"alice/correct"]
    assert world.last().startswith("client-auth 1 0\nifconfig-push 10.1.")
    assert world.open == set()
    assert world.door.held() == [], "a lease is renewed when the tunnel is up"
    await world.tell(Established(1))
    assert len(world.open) == 2
    assert world.v6 == [True]
    assert [held.lease for held in world.door.held()] == [b"lease-0"]
    assert not world.door.held()[0].quiet
    await world.tell(Disconnect(1))
    assert world.open == set()
    assert world.returned == [b"lease-0"]
    assert not (world.door._tunnels or world.door._asking or world.door._leaving or world.door._tasks)


async def test_without_ipv6_the_firewall_hears_so() -> None:
    world = World()
    world.answer = Admission(Verdict.OPEN, features=Features(ipv6=False))
    await world.up(1)
    assert world.v6 == [False]


async def test_every_refusal_has_its_reason() -> None:
    world = World()
    for verdict, why, words in (
        (Verdict.REFUSED, Why.LOGIN, '"wrong-login"'),
        (Verdict.REFUSED, Why.NONE, '"wrong-login"'),
        (Verdict.UNKNOWN, Why.NONE, '"wrong-login"'),
        (Verdict.GARDEN, Why.EXPIRED, '"account-expired"'),
        (Verdict.GARDEN, Why.NONE, '"account-expired"'),
        (Verdict.GARDEN, Why.SLOTS, '"TEMP[backoff 30]:device-limit"'),
        (Verdict.REFUSED, Why.NODE, '"node-revoked"'),
        (Verdict.BUSY, Why.NONE, '"TEMP[backoff 10]:try-again"'),
    ):
        world.answer = Admission(verdict, why)
        await world.tell(login(1))
        assert world.last() == f'client-deny 1 0 "-" {words}\n'
    assert world.door.held() == []


async def test_a_login_that_nobody_can_read_is_not_asked_about() -> None:
    world = World()
    await world.tell(Unreadable(1, 2))
    assert world.last() == 'client-deny 1 2 "-" "wrong-login"\n'
    assert world.sealed == []


async def test_a_client_that_goes_away_while_the_gate_thinks_keeps_no_slot() -> None:
    world = World()
    world.hold = asyncio.Event()
    await world.tell(login(1))
    await world.tell(Disconnect(1))
    world.hold.set()
    await world.tell()
    assert world.returned == world.granted == [b"lease-0"]
    assert not any(command.startswith(b"client-auth") for command in world.sent)


async def test_a_second_question_of_the_same_client_replaces_the_first() -> None:
    world = World()
    world.hold = asyncio.Event()
    await world.tell(login(1))
    await world.tell(Connect(1, 1, Transient("alice"), Transient("correct"), 1))
    world.hold.set()
    await world.tell()
    assert [command.split(b"\n")[0] for command in world.sent] == [b"client-auth 1 1"]
    assert len(world.returned) == 1


async def test_a_slow_gate_answers_bob_while_alice_waits() -> None:
    world = World()
    await world.up(1)
    world.hold = asyncio.Event()
    await world.tell(login(2, "bob"))
    await world.tell(Disconnect(1))
    assert world.returned == [b"lease-0"]
    world.hold.set()
    await world.tell()
    assert world.last().startswith("client-auth 2 0")


async def test_too_many_questions_at_once_are_turned_away_at_once() -> None:
    world = World()
    world.hold = asyncio.Event()
    for cid in range(ASKING_AT_ONCE + 1):
        await world.tell(login(cid, bucket=cid))
    assert world.last() == f'client-deny {ASKING_AT_ONCE} 0 "-" "TEMP[backoff 10]:try-again"\n'
    assert len(world.sealed) == ASKING_AT_ONCE
    world.hold.set()
    await world.door.finish()
    assert sorted(world.returned) == sorted(world.granted)


async def test_only_wrong_logins_count_against_a_network() -> None:
    world = World()
    for cid in range(3 * WRONG_PER_MINUTE):
        await world.tell(login(cid), Disconnect(cid))
    world.answer = Admission(Verdict.GARDEN, Why.SLOTS)
    for cid in range(3 * WRONG_PER_MINUTE):
        await world.tell(login(cid))
    world.answer = Admission(Verdict.REFUSED, Why.LOGIN)
    asked = len(world.sealed)
    for cid in range(3 * WRONG_PER_MINUTE):
        await world.tell(login(cid))
    assert len(world.sealed) - asked == WRONG_PER_MINUTE
    assert "try-again" in world.last()
    world.now = 61.0
    await world.tell(login(1))
    assert "wrong-login" in world.last()


async def test_renegotiation_needs_the_same_pair_and_no_gate() -> None:
    world = World()
    await world.up(1)
    await world.tell(Reauth(1, 1, Transient("alice"), Transient("correct")))
    assert world.last() == "client-auth 1 1\nEND\n"
    await world.tell(Reauth(1, 2, Transient("alice"), Transient("stolen")))
    assert world.last() == 'client-deny 1 2 "-" "wrong-login"\n'
    assert len(world.sealed) == 1
    await world.door.end(b"lease-0", Why.GONE)
    await world.tell(Reauth(1, 3, Transient("alice"), Transient("correct")))
    assert world.last() == 'client-deny 1 3 "-" "account-changed"\n'


async def test_an_ended_lease_closes_at_once_and_is_not_given_back() -> None:
    world = World()
    await world.up(1)
    await world.up(2, "bob")
    pair = world.door._tunnels[1].pair
    await world.door.end(b"lease-0", Why.EXPIRED)
    assert world.last() == "client-kill 1\n"
    assert str(pair.four) not in world.open
    assert [held.lease for held in world.door.held()] == [b"lease-1"]
    assert pair in world.door._leaving.values(), "its addresses stay taken until openvpn has let go"
    await world.tell(Disconnect(1))
    assert world.returned == []
    assert world.door._leaving == {}
    await world.door.end(b"never-seen", Why.EXPIRED)


async def test_an_address_of_ones_own_is_told_with_the_lease_and_changed_on_the_open_tunnel() -> None:
    world = World()
    world.answer = Admission(Verdict.OPEN, lease=b"", features=Features(ipv6=True, mine4="192.0.2.32"))
    await world.up(1)
    assert [held.mine4 for held in world.door.held()] == ["192.0.2.32"]
    world.door.own(b"never-seen", "192.0.2.33")
    world.door.own(b"lease-0", "")
    assert [held.mine4 for held in world.door.held()] == [""]
    assert len(world.v6) == 2, "the firewall heard of it at once"
    assert world.last() != "client-kill 1\n", "and nobody had to connect anew"


async def test_a_replaced_lease_is_the_one_that_is_renewed_and_returned() -> None:
    world = World()
    await world.up(1)
    world.door.replace(b"lease-0", b"fresh")
    world.door.replace(b"never-seen", b"nothing")
    assert [held.lease for held in world.door.held()] == [b"fresh"]
    await world.tell(Disconnect(1))
    assert world.returned == [b"fresh"]


async def test_no_two_clients_have_one_address() -> None:
    world = World()
    world.door._with = Shared(**{**vars(world.door._with), "draw": iter_draw([5, 5, 5, 6, 6, 7])})
    for cid in (1, 2, 3):
        await world.tell(login(cid))
    pairs = [tunnel.pair for tunnel in world.door._tunnels.values()]
    assert len({pair.four for pair in pairs}) == len({pair.six for pair in pairs}) == 3


def iter_draw(numbers: list[int]):  # type: ignore[no-untyped-def]
    """Random 'numbers' as the test wants them; the IPv6 half differs as the IPv4 half does."""
    rest = iter(numbers)

    def draw(size: int) -> bytes:
        number = next(rest)
        return (number | number << 16).to_bytes(size)

    return draw


async def test_what_never_comes_up_is_taken_back() -> None:
    world = World()
    await world.tell(login(1))
    world.now = ESTABLISH_SECONDS - 1
    world.door.tick()
    assert world.returned == []
    world.now = ESTABLISH_SECONDS + 1
    world.door.tick()
    assert world.returned == [b"lease-0"]
    assert world.last() == "client-kill 1\n"


async def test_an_established_client_that_we_never_let_in_is_killed() -> None:
    world = World()
    await world.tell(Established(9))
    assert world.last() == "client-kill 9\n"
    assert world.open == set()


async def test_a_process_that_dies_takes_every_tunnel_along_and_returns_every_slot() -> None:
    world = World()
    for cid in range(5):
        await world.up(cid)
    world.door.closed()
    assert sorted(world.returned) == sorted(world.granted)
    assert world.open == set()
    assert world.door.held() == []
    await world.tell(Established(1))
    assert world.open == set()


async def test_a_lost_gate_lets_alice_back_and_nobody_else() -> None:
    world = World()
    await world.up(1)
    world.state = GateState.LOST
    world.door.tick()
    assert len(world.door.held()) == 1
    await world.tell(login(2, "bob"))
    assert world.last() == 'client-deny 2 0 "-" "TEMP[backoff 20]:gate-unreachable"\n'
    await world.tell(Disconnect(1))
    assert world.returned == []
    await world.tell(login(3, "alice", "guess"))
    assert "gate-unreachable" in world.last()
    await world.tell(login(4))
    assert world.last().startswith("client-auth 4 0")
    await world.tell(Established(4))
    assert [held.lease for held in world.door.held()] == [b"lease-0"]
    await world.tell(login(5))
    assert "gate-unreachable" in world.last(), "one lease brings back one device"


async def test_the_gates_return_frees_what_still_rests() -> None:
    world = World()
    await world.up(1)
    world.state = GateState.LOST
    await world.tell(Disconnect(1))
    world.state = GateState.CONNECTED
    world.door.tick()
    assert world.returned == [b"lease-0"]


async def test_after_a_day_without_the_gate_every_tunnel_ends() -> None:
    world = World()
    await world.up(1)
    world.state = GateState.LOST
    world.door.tick()
    world.now = LONGEST_OUTAGE - 1
    world.door.tick()
    assert len(world.door.held()) == 1
    world.now = LONGEST_OUTAGE
    world.door.tick()
    assert world.door.held() == []
    assert world.open == set()
    assert world.last() == "client-kill 1\n"


async def test_states_of_the_process_are_nothing_to_the_door() -> None:
    world = World()
    await world.tell(State("CONNECTED"))
    assert world.sent == []


async def test_no_name_password_or_address_is_in_a_repr_of_what_the_door_keeps() -> None:
    world = World()
    await world.up(1)
    text = repr(world.door._tunnels)
    for secret in ("alice", "correct", "10.1.", "fd74", "lease-"):
        assert secret not in text


async def test_a_process_that_has_had_clients_is_spent_when_they_are_gone() -> None:
    world = World()
    world.door.tick()
    world.now = 100.0
    world.door.tick()
    assert not world.door.spent, "it never had any"
    await world.up(1)
    world.door.tick()
    await world.tell(Disconnect(1))
    world.door.tick()
    assert not world.door.spent
    world.now += IDLE_SECONDS
    assert world.door.spent
    await world.tell(login(2))
    world.door.tick()
    assert not world.door.spent, "somebody came"
    world.door.closed()
    world.door.tick()
    world.now += 100
    world.door.tick()
    assert not world.door.spent, "the fresh process has had nobody"


async def test_a_client_on_its_way_out_keeps_the_process_from_being_spent() -> None:
    world = World()
    await world.up(1)
    await world.door.end(b"lease-0", Why.EXPIRED)
    for _ in range(3):
        world.door.tick()
        world.now += IDLE_SECONDS
    assert not world.door.spent
