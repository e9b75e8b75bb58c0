"""What people do in a world: each act a few steps over the real rooms, each of which is seen to have happened.

An act that silently did nothing would prove nothing, so every step asks for its effect (a tunnel that is open, a page
that shows a device) and raises when there is none.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tyst.core.natpmp import TCP
from tyst.core.openvpn.management import Connect, Disconnect, Established
from tyst.core.transient import Transient
from tyst.core.wireguard.addresses import address4
from tyst.gate import operator
from tyst.messages.admission import Why
from tyst.messages.devices import BatchDone, RunBatch
from tyst.node.packets import Captured, Knock
from tyst.node.port_leases import Grant, Wish
from tyst.node.states import State
from tyst.proof.worlds.forks import WorldError
from tyst.proof.worlds.people import Browser, Person
from tyst.proof.worlds.rooms import NODE, Rooms
from tyst.records.where import Server, chosen

PATIENCE = 20.0
NIGHT = "the nightly rewrite"
RENEWAL = 20
_PAGES = ("", "network", "privacy", "pricing", "account", "account/wireguard", "account/openvpn", "account/settings")


@dataclass
class Stage:
    """One world's rooms, its people, and what they hold meanwhile."""

    rooms: Rooms
    people: dict[str, Person]
    browsers: dict[str, Browser] = field(default_factory=dict)
    credentials: dict[str, tuple[str, str]] = field(default_factory=dict)
    clients: int = 0

    def browser(self, who: Person) -> Browser:
        """Her browser."""
        return self.browsers.setdefault(who.name, Browser(self.rooms.site))


Step = tuple[str, Callable[[Stage], object]]


async def _until(what: str, true: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise WorldError(f"this did not happen: {what}")
        await asyncio.sleep(0.002)


# --- the site -------------------------------------------------------------------------------------------------------


def sign_up(stage: Stage, who: Person) -> None:
    """A new account."""
    data = {"username": who.name, "password": who.password, "currency": "EUR", "country": "se"}
    stage.browser(who).post("/en/signup", data)


def sign_in(stage: Stage, who: Person) -> None:
    """With 'remember me'."""
    browser = stage.browser(who)
    browser.post("/en/signin", {"username": who.name, "password": who.password, "remember": "on"}, good=302)
    if set(browser.jar) < {"session", "remember"}:
        raise WorldError("this did not happen: a session and 'remember me'")


def redeem(stage: Stage, who: Person, code: str) -> None:
    """A voucher."""
    before = _field(stage, who, "subscription")
    stage.browser(who).post("/en/account/voucher", {"code": code})
    if _field(stage, who, "subscription") == before:
        raise WorldError("this did not happen: the voucher counts")


def look_around(stage: Stage, who: Person) -> None:
    """Every page, in two languages."""
    for language in ("en", "sv"):
        for path in _PAGES:
            stage.browser(who).get(f"/{language}/{path}")


def fetch(stage: Stage, who: Person) -> None:
    """A profile and a VPN credential."""
    browser = stage.browser(who)
    browser.get(f"/en/account/openvpn/{NODE}-udp.ovpn")
    page = browser.post("/en/account/openvpn/credential", {})
    pair = tuple(page.found(rf'id="{name}"[^>]*>([^<]*)<') for name in ("vpn-username", "vpn-password"))
    stage.credentials[who.name] = (pair[0], pair[1])


def expect_devices(stage: Stage, who: Person, count: int) -> None:
    """The account page asks the gate."""
    shown = _field(stage, who, "devices")
    if shown != str(count):
        raise WorldError(f"this did not happen: {count} devices are shown")


def disconnect_all(stage: Stage, who: Person) -> None:
    """The button on the account page."""
    stage.browser(who).post("/en/account/disconnect", {})


def sign_out(stage: Stage, who: Person) -> None:
    """The session ends."""
    stage.browser(who).post("/en/signout", {}, good=302)


def _field(stage: Stage, who: Person, name: str) -> str:
    return stage.browser(who).get("/en/account").found(rf'data-field="{name}">([^<]*)<')


# --- the VPN --------------------------------------------------------------------------------------------------------


def connect_wireguard(stage: Stage, who: Person) -> None:
    """From the handshake's first message to an open tunnel with a slot."""
    stage.rooms.loop.do(_connected(stage, who))


async def _connected(stage: Stage, who: Person) -> None:
    node, public = stage.rooms.node, who.device.public
    await _knocked(stage, who)
    await _until("a provisional tunnel", lambda: _state(stage, public) is State.PROVISIONAL)
    node.peers.stamps[public] = int(node.hand())
    await node.tunnels.look()
    await _until("an open tunnel", lambda: _state(stage, public) is State.OPEN)


async def _knocked(stage: Stage, who: Person) -> None:
    node = stage.rooms.node
    node.hand.forward(1)
    message = who.device.initiation(node.responder.public, node.hand(), node.draw(32))
    packet = Captured(bytes((192, 0, 2, 77)), 40000, bytes((198, 51, 100, 1)), 51820, message)
    node.tunnels.knock(Knock(node.responder.open(message), packet))


def _state(stage: Stage, public: bytes) -> State | None:
    tunnel = stage.rooms.node.tunnels.table.get(public)
    return None if tunnel is None else tunnel.state


def knock_in_vain(stage: Stage, who: Person) -> None:
    """A device whose key nobody registered: it gets no answer."""
    stage.rooms.loop.do(_refused(stage, who))


async def _refused(stage: Stage, who: Person) -> None:
    await _knocked(stage, who)
    await _until("the gate's no", lambda: _state(stage, who.device.public) is None)


def renew(stage: Stage, times: int = 3) -> None:
    """All leases, every 20 s, and the sweep."""
    node = stage.rooms.node
    for _ in range(times):
        stage.rooms.hand.forward(RENEWAL)
        if not stage.rooms.loop.do(node.renewals.round()):
            raise WorldError("this did not happen: a renewal")
        stage.rooms.loop.do(node.tunnels.sweep())


def forward_port(stage: Stage, who: Person) -> None:
    """A port of an exit address, and back."""
    stage.rooms.loop.do(_forwarded(stage, who))


async def _forwarded(stage: Stage, who: Person) -> None:
    ports, inner = stage.rooms.node.ports, address4(who.device.public)
    if not isinstance(ports.grant(inner, Wish(TCP, 8080)), Grant):
        raise WorldError("this did not happen: a forwarded port")
    ports.give_back(inner, TCP, 8080)


def log_in_openvpn(stage: Stage, username: str, password: str) -> None:
    """What the OpenVPN program says when a client comes, and when its tunnel is up."""
    stage.rooms.loop.do(_logged_in(stage, username, password))


async def _logged_in(stage: Stage, username: str, password: str) -> None:
    node = stage.rooms.node
    stage.clients += 1
    client, before = stage.clients, len(node.sent)
    node.door.handle(Connect(client, 0, Transient(username), Transient(password), 1))
    await _until("an answer to a login", lambda: len(node.sent) > before)
    if not node.sent[-1].startswith(b"client-auth"):
        raise WorldError("this did not happen: a login is let in")
    node.door.handle(Established(client))


def log_in_wrongly(stage: Stage, username: str) -> None:
    """A wrong password."""
    stage.rooms.loop.do(_denied(stage, username))


async def _denied(stage: Stage, username: str) -> None:
    node = stage.rooms.node
    stage.clients += 1
    before = len(node.sent)
    node.door.handle(Connect(stage.clients, 0, Transient(username), Transient("not her passphrase"), 1))
    await _until("an answer to a login", lambda: len(node.sent) > before)
    if Why.LOGIN.value.encode() not in node.sent[-1]:
        raise WorldError("this did not happen: a wrong login is refused")


def leave(stage: Stage) -> None:
    """Every tunnel ends, and the leases go back."""
    stage.rooms.loop.do(_left(stage))


async def _left(stage: Stage) -> None:
    node = stage.rooms.node
    await node.tunnels.close_all()
    for client in range(1, stage.clients + 1):
        node.door.handle(Disconnect(client))
    await node.renewals.round()
    await asyncio.sleep(0)
    if node.tunnels.held() or node.door.held():
        raise WorldError("this did not happen: all tunnels end")


def batch(stage: Stage) -> int:
    """The daily batch, as the operator has it done."""
    ear = stage.rooms.place.ear.getsockname()
    done: Any = operator.ask(stage.rooms.place.state, (ear[0], ear[1]), "/v1/batch", RunBatch(), BatchDone)
    return int(done.changed)


def rewrite(stage: Stage) -> None:
    """The operator's nightly job (docs/operate/postgresql.md)."""
    where = chosen(stage.rooms.place.state)
    if isinstance(where, Server):
        # Whoever has SQLite loads nothing of PostgreSQL.
        from tyst.records.postgresql.shuffle import shuffled

        shuffled(where)


# --- acts -----------------------------------------------------------------------------------------------------------


def use(who: Person, stranger: Person) -> Sequence[Step]:
    """A day of use by somebody who has connected before: nothing of it may be persisted, let alone tell who it was."""
    return (
        ("she signs in, with 'remember me'", lambda s: sign_in(s, who)),
        ("she looks at every page", lambda s: look_around(s, who)),
        ("she fetches a profile and a VPN credential", lambda s: fetch(s, who)),
        ("she connects by WireGuard", lambda s: connect_wireguard(s, who)),
        ("three renewals", renew),
        ("a port is forwarded and given back", lambda s: forward_port(s, who)),
        ("she connects by OpenVPN with the credential", lambda s: log_in_openvpn(s, *s.credentials[who.name])),
        ("she connects by OpenVPN with her password", lambda s: log_in_openvpn(s, who.name, who.password)),
        ("the account page shows three devices", lambda s: expect_devices(s, who, 3)),
        ("somebody guesses her password", lambda s: log_in_wrongly(s, who.name)),
        ("somebody's unknown key knocks", lambda s: knock_in_vain(s, stranger)),
        ("all her tunnels end", leave),
        ("she presses 'disconnect all'", lambda s: disconnect_all(s, who)),
        ("she signs out", lambda s: sign_out(s, who)),
    )


def connect(who: Person) -> Sequence[Step]:
    """The shortest use."""
    return (("she connects by WireGuard", lambda s: connect_wireguard(s, who)), ("a renewal", lambda s: renew(s, 1)))


def then_batch(steps: Sequence[Step]) -> Sequence[Step]:
    """And the daily batch."""
    return (*steps, ("the daily batch", batch))


def then_night(steps: Sequence[Step]) -> Sequence[Step]:
    """And the nightly rewrite, which on SQLite has nothing to do."""
    return (*steps, (NIGHT, rewrite))


def buy(who: Person, code: str) -> Sequence[Step]:
    """A voucher is redeemed."""
    return (
        ("she signs in, with 'remember me'", lambda s: sign_in(s, who)),
        ("she redeems a voucher", lambda s: redeem(s, who, code)),
    )
