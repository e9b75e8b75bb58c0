"""A visitor who comes first of all, is seen everywhere, and vanishes: what is left of her, the last tests ask.

Her addresses, names, key and payloads exist only because of her, so whatever is found of them is hers (the proof's
marks). She opens a tunnel of each protocol, at both nodes, and leaves a connection open inside; then her machine is
switched off, without a goodbye where the protocol has none. The tests of rows 47, 54, 55 and 56 share the wait.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from tests.findings import forwarding
from tests.findings.account import Account
from tests.findings.device import Device
from tests.unit.site.browser_key import DeviceKey
from tyst import records
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.core.wireguard.config import key_text
from tyst.journey.cast import Cast
from tyst.journey.person import Person
from tyst.lab.host import Host
from tyst.lab.topology import ECHO_V4, NETWORKS
from tyst.lab.wait import wait_until
from tyst.proof import marked
from tyst.proof.allowed import Allowed, load
from tyst.proof.engine import Engine
from tyst.proof.search import search_all
from tyst.proof.surfaces import Surface, SurfaceKind, surfaces

if TYPE_CHECKING:
    from tests.findings.world import World

WHO, NODE, OTHER = "phone", "se-sto", "de-fra"
OPENVPN = "openvpn"
PACES = {f"vp_{what}{family}" for what in ("flows", "unanswered") for family in (4, 6)}
"""Elements of some seconds, which end by themselves (`core.firewall.abuse`)."""
PORT, FROM = 8099, 41000
GONE_WITHIN = 185.0
"""Seconds after her last handshake (180 of WireGuard's own time, and the sweep)."""
INVENTORY = Path(records.__file__).parent / "inventory.toml"
IN_MEMORY = (SurfaceKind.MEMORY, SurfaceKind.ARGUMENTS, SurfaceKind.ENVIRONMENT)
IN_TABLES = (SurfaceKind.TABLE,)
IN_FILES = (SurfaceKind.FILE, SurfaceKind.NAMES, SurfaceKind.IMAGE, SurfaceKind.RAM_FILE, SurfaceKind.UNLINKED)
Stays = set[tuple[str, str]]
"""(where, which mark)."""


@dataclass
class Visitor:
    """The visit, done. `during`: where she was found at each node while she was there; `entries`: her inner flows then.

    `sets`: of which collections of the firewall's her inner addresses were elements at each node, and (`OPENVPN`) those
    of her OpenVPN tunnel. `agreed`: the preshared keys of her exchanges. `left`: when she went (time.monotonic).
    `account_seen`: where she was found on the control host when only her account was left.
    """

    world: "World"
    during: dict[str, Stays] = field(default_factory=dict)
    entries: dict[str, list[str]] = field(default_factory=dict)
    account_seen: Stays = field(default_factory=set)
    sets: dict[str, set[str]] = field(default_factory=dict)
    agreed: dict[str, bytes] = field(default_factory=dict, repr=False)
    left: float = 0.0

    def __post_init__(self) -> None:
        self._seed = marked.draw((WHO,))
        self._account = Account(self.world, who=WHO)
        self.key = DeviceKey()
        self.preshared = os.urandom(32)
        self._gone = False
        host = self.world.lab[WHO]
        self._server = self._listening()
        with ExitStack() as stack:
            self._move_in(host)
            self._join()
            self._use(stack)
            self.during = {name: self.seen(self.world.lab[name], IN_MEMORY + IN_TABLES) for name in (NODE, OTHER)}
            self.entries = {name: self.tracked(name) for name in (NODE, OTHER)}
            stack.pop_all().close()
        self.left = time.monotonic()
        self._leave()

    def close(self) -> None:
        """The server to which she was connected hangs up."""
        self._server.close()

    def text(self, name: str) -> str:
        """One of her marks."""
        return self._seed.text(f"{WHO}.{name}")

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All of them, with decoys."""
        keys = {"key": self.key.public, "preshared": self.preshared}
        keys |= {f"agreed.{node}": agreed for node, agreed in self.agreed.items()}
        return (*self._seed.all, *(Mark(f"{WHO}.{name}", MarkKind.KEY, key) for name, key in keys.items()))

    # --- the visit ----------------------------------------------------------------------------------------------

    def _listening(self) -> socket.socket:
        """A server that says nothing and never hangs up."""
        server = self.world.lab["web"].socket(socket.AF_INET, socket.SOCK_STREAM)
        server.bind((str(ECHO_V4), PORT))
        server.listen(8)
        return server

    def _move_in(self, host: Host) -> None:
        """Her machine has the marked addresses from now on, and nobody else in these tests uses it."""
        network = NETWORKS["access"]
        host.run(["ip", "addr", "flush", "dev", "eth0", "scope", "global"])
        for family, mark, bits, gate in (
            ("-4", "address4", "24", str(network.address4(1))),
            ("-6", "address6", "64", str(network.address6(1))),
        ):
            host.run(
                ["ip", family, "addr", "add", f"{self.text(mark)}/{bits}", "dev", "eth0", *["nodad"][family == "-4" :]]
            )
            host.run(["ip", family, "route", "replace", "default", "via", gate])

    def _join(self) -> None:
        """An account by password, a wrong password first, a voucher, a key."""
        agent = {"User-Agent": self.text("user_agent")}
        names = {"username": self.text("username"), "password": self.text("password")}
        page = self._account.post("/en/signup", {**names, "country": "se", "currency": "EUR"}, **agent)
        assert page.status == 200, page.wrong
        assert self._account.post("/en/signin", {**names, "password": "not hers"}, **agent).status == 422
        (voucher,) = self.world.provider.vouchers(1)
        assert self._account.post("/en/account/voucher", {"code": voucher}, **agent).status == 200
        assert self._account.send_key(self.key, preshared=key_text(self.preshared)).json["ok"]
        self.world.sql(
            "UPDATE account SET streaming = 1, has_ipv6 = 1, ipv4 = subscription WHERE username = ?", names["username"]
        )
        assert self._account.post("/en/account/ipv4", {"action": "take", "node": NODE}, **agent).status == 200

    def _use(self, stack: ExitStack) -> None:
        for number, name in enumerate((NODE, OTHER), 1):
            device = self.world.device(WHO, self.key.private, name, preshared=self.preshared)
            stack.callback(device.close)
            assert device.connect() and device.ping(ECHO_V4)
            # One key is let in provisionally at one node at a time: the first must be confirmed.
            wait_until(lambda number=number: self._account.devices() == number, within=10, what="her slot")  # type: ignore[misc]
            assert device.asks(self.text("name1"))
            device.establishes(str(ECHO_V4), PORT, FROM)
            self.four, self.six = device.four, device.six
            self._agree(device, name)
            if name == OTHER:
                assert forwarding.asked(device, forwarding.pmp(4000))
            self.sets[name] = self.sets_with(name, str(device.four), str(device.six))
        profile = self._account.get(f"/en/account/openvpn/{OTHER}-udp.ovpn").text
        person = Person(self.world.lab[WHO])
        client = person.openvpn_up(profile, self.text("username"), self.text("password"))
        stack.callback(client.end)
        person.asks(self.text("name2"))
        assert person.fetch(f"http://{ECHO_V4}/", "-A", self.text("user_agent"), "-H", f"X: {self.text('payload_up')}")
        self.inner = tuple(map(str, self.world.tunnel_addresses(WHO, "tun0")))
        self.sets[OPENVPN] = self.sets_with(OTHER, *self.inner)

    def _leave(self) -> None:
        """OpenVPN says goodbye, so its tunnel is over at once; she gives her public address back."""
        wait_until(
            lambda: not self.sets_with(OTHER, *self.inner) - PACES,
            within=15,
            every=0.05,
            what="her OpenVPN tunnel's end",
        )
        assert self._account.post("/en/account/ipv4", {"action": "release"}).status == 200
        self.world.sql("UPDATE node_address SET rests = NULL")  # nobody else's test has to wait for it

    def _agree(self, device: Device, node: str) -> None:
        """A post-quantum preshared key, in use from now on."""
        agreed = device.agrees(time.monotonic_ns(), within=10)
        assert agreed is not None
        self.agreed[node] = device.preshared = agreed
        assert device.connect() and device.ping(ECHO_V4)

    def sets_with(self, node: str, *addresses: str) -> set[str]:
        """The collections of a node's firewall in which one of these addresses is an element, or part of one."""
        listed = json.loads(self.world.lab[node].run(["nft", "-j", "list", "table", "inet", "tyst"]).stdout)["nftables"]
        held = [one.get("set") or one.get("map") or {} for one in listed]
        return {one["name"] for one in held if any(f'"{a}"' in json.dumps(one.get("elem", [])) for a in addresses)}

    # --- afterwards ---------------------------------------------------------------------------------------------

    def gone(self) -> None:
        """Waits until both nodes have forgotten her peer; then she deletes her account, and the resolvers are restarted.

        A resolver keeps names, without whose they were, until its daily restart: see docs/threat-model.md.
        """
        if self._gone:
            return
        for name in (NODE, OTHER):
            left = max(1.0, self.left + GONE_WITHIN - time.monotonic())
            wait_until(lambda name=name: not self.held(name), within=left, every=0.5, what="her peer to go")  # type: ignore[misc]
        self.account_seen = self.seen(self.world.control, IN_FILES)
        assert self._account.post("/en/account/delete", {"password": self.text("password")}).status == 200
        marked.restart_resolvers(cast(Cast, SimpleNamespace(lab=self.world.lab)))
        self._gone = True

    def held(self, node: str) -> bool:
        """Whether a node's WireGuard still has her peer."""
        return self.key.public in self.world.peers(node)

    def tracked(self, node: str) -> list[str]:
        """What connection tracking at a node says of her inner address."""
        lines = self.world.lab[node].run(["conntrack", "-L"], check=False).stdout.splitlines()
        return [line for line in lines if f"src={self.four} " in line]

    def seen(self, host: Host, kinds: Collection[SurfaceKind], allowed: Allowed | None = None) -> Stays:
        """Where her marks are found on a host now; what the inventory declares is left out when it is given."""
        host.sync()
        chosen: Iterator[Surface] = (one for one in surfaces(host) if one.kind in kinds)
        findings = search_all(Engine(scan_set_of(self.marks)), chosen)
        assert findings.looked and not findings.failures, findings.failures
        hits = [(surface, mark) for surface, mark, _, _ in findings.hits()]
        assert not any(mark.decoy for _, mark in hits), "the scan finds what never was"
        return {(s.process or s.name, m.name) for s, m in hits if not (allowed and allowed.excuse(s, m.kind))}

    def declared(self) -> Allowed:
        """What programs that we did not write may keep for a while, by the inventory."""
        return load(INVENTORY).after(time.monotonic() - self.left)


def room_says(process: "subprocess.Popen[str]") -> str:
    """What a room printed since it was started, on both streams, without waiting for more."""
    said = b""
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        os.set_blocking(stream.fileno(), False)
        said += getattr(stream, "buffer").read() or b""  # noqa: B009 -- a text stream's bytes
    return said.decode()
