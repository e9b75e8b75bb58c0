"""The common ground of all worlds: a provider with a node and four people, made by the product's own hands.

Alice and Bob have connected before; Charlie and Dora never have. All four have the same settings, were made in the same
hour and bought the same. Made once; every world begins with a copy of it.
"""

from ipaddress import IPv4Address, IPv6Address

from tyst.core.keyring import from_text
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import KeyRecord
from tyst.fleet import founding, nodes, voucher_command
from tyst.node import identity
from tyst.proof.worlds import acts
from tyst.proof.worlds.acts import Stage
from tyst.proof.worlds.hand import Hand
from tyst.proof.worlds.people import SITE, Person, cast
from tyst.proof.worlds.rooms import NO_COUNTRIES, NODE, GateRoom, Loop, NodeRoom, Place, Rooms, site
from tyst.records.where import Server, Where

KNOWN, NEW, STRANGER = ("alice", "bob"), ("charlie", "dora"), "mallory"
NAMES = (*KNOWN, *NEW, STRANGER)


def people(hand: Hand) -> dict[str, Person]:
    """The same in every world."""
    return cast(NAMES, hand.stream("people"))


def make(place: Place, where: Where, hand: Hand) -> str:
    """Founds the provider; the code of a voucher that nobody has redeemed yet."""
    for folder in ("state", "tmp", "home"):
        (place.root / folder).mkdir()
    (place.root / NO_COUNTRIES).touch()
    url = where.url if isinstance(where, Server) else ""
    founding.found(founding.Plan(place.state, f"https://{SITE}", ("localhost",), url), now=hand())
    nodes.add(
        place.state, nodes.Wanted(NODE, "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10"))
    )
    nodes.set_addresses(place.state, NODE, [(IPv4Address("192.0.2.11"), "exit")])
    stage = Stage(_rooms(place, hand), people(hand))
    codes = voucher_command.issue(place.state, days=30, count=len(NAMES))
    for name, code in zip((*KNOWN, *NEW), codes, strict=False):
        _settle_in(stage, stage.people[name], code)
    for name in KNOWN:
        acts.connect_wireguard(stage, stage.people[name])
    acts.batch(stage)
    acts.leave(stage)
    return codes[-1]


def _rooms(place: Place, hand: Hand) -> Rooms:
    """As `Rooms`, but for a node that has yet to join."""
    rooms = Rooms.__new__(Rooms)
    rooms.place, rooms.hand, rooms.loop = place, hand, Loop()
    rooms.gate = GateRoom(place, hand, rooms.loop).gate
    rooms.site = site(place, hand)
    token = nodes.token(place.state, NODE, place.gate)
    rooms.node = rooms.loop.do(_enrolled(place, token, hand))
    return rooms


async def _enrolled(place: Place, token: str, hand: Hand) -> NodeRoom:
    node = NodeRoom(await identity.enrol(place.node, token, hand), hand)
    await node.join()
    return node


def _settle_in(stage: Stage, who: Person, code: str) -> None:
    """An account, a voucher, a device."""
    acts.sign_up(stage, who)
    acts.redeem(stage, who, code)
    from tyst.records import keys

    hand, public = stage.rooms.hand, who.device.public
    month = keys.last_month(hand.when())
    record = KeyRecord(_handle(who), month).sealed(
        tag=tag_of(public),
        opener=opener_of(public),
        gate_public=from_text((stage.rooms.place.state / "site.keys").read_bytes(), room="site").known["gate"],
        nonce=hand.stream(f"record of {who.name}")(12),
        now=int(hand()),
    )
    keys.add(tag_of(public), record, month)


def _handle(who: Person) -> bytes:
    from tyst.records.models import Account

    return bytes(Account.objects.get(username=who.name).handle)
