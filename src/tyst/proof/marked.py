"""A marked visit: a customer whose every trace is known comes, uses the VPN in each way, and leaves.

Her address, MAC, user agent, name, password, the names she asks for and the payloads in both directions are marks of
this run. She signs up, redeems a voucher, makes a key, connects by WireGuard and by OpenVPN with her password, and
deletes her account. What `run.Proof` finds of her afterwards stayed behind. Counterpart: `marks.py`, which draws
the values.
"""

import base64
import sys
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network

from tyst.core.residue import Mark, MarkKind
from tyst.journey import pages
from tyst.journey.begin import leaves_by
from tyst.journey.cast import Cast, Names
from tyst.journey.report import expect
from tyst.lab.host import Host
from tyst.lab.topology import NETWORKS, PLACES
from tyst.lab.wait import wait_until
from tyst.proof.marks import Places, Seed, draw_seed

SETTLE = 185
"""Seconds after which nothing may be left: 180 s of WireGuard's own time, and 5."""
_MIRROR = """
import http.server
class Mirror(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.HTTPServer(("198.18.2.80", 8081), Mirror).serve_forever()
"""


def draw(people: tuple[str, ...] = ("bob",)) -> Seed:
    """Marks for these people, with addresses from the lab's access network that nobody has."""
    access = NETWORKS["access"]
    seats = [address for place in PLACES.values() for address in (place.ipv4, place.ipv6)]
    routers = [access.address4(1), access.address6(1)]  # with the router's address she would cut everybody off
    taken = tuple(map(str, (*seats, *routers)))
    return draw_seed(people, Places(IPv4Network(access.ipv4), IPv6Network(access.ipv6), taken))


def rooms(cast: Cast) -> list[Host]:
    """The hosts that are ours: clients and the internet are not."""
    return [cast.lab[name] for name in ("control", "se-sto", "de-fra")]


def visit(
    cast: Cast, seed: Seed, who: str = "bob", node: str = "se-sto", during: Callable[[str], None] = lambda _: None
) -> Seed:
    """The whole visit; returns the seed with the marks that became known on the way (her device's key).

    `during` is told each tunnel's protocol while it is in use. Whatever goes wrong, her machine has no tunnel and its
    usual addresses afterwards.
    """
    host = cast.lab[who]
    mirror = cast.lab["web"].popen([sys.executable, "-c", _MIRROR])
    try:
        _move_in(host, seed, who)
        public = _visited(cast, seed, who, node, during)
    finally:
        mirror.kill()
        mirror.wait(5)
        if who in cast.browsers:
            cast.close_browser(who)
        _move_out(host, who)
    return seed.joined(Mark(f"{who}.device_key", MarkKind.KEY, base64.b64decode(public)))


def _visited(cast: Cast, seed: Seed, who: str, node: str, during: Callable[[str], None]) -> str:
    """What she does; her device's public key in base64."""
    names = Names(seed.text(f"{who}.username"), seed.text(f"{who}.password"))
    browser = cast.browser(who, seed.text(f"{who}.user_agent"))
    pages.sign_up(browser, names)
    pages.redeem(browser, cast.provider.vouchers(1)[0])
    text = pages.make_key(browser, node)
    _by_wireguard(cast, seed, who, node, text, lambda: during("wireguard"))
    _by_openvpn(cast, seed, who, node, names, lambda: during("openvpn"))
    pages.delete_account(browser, names)
    return pages.public_of(text.split("PrivateKey = ")[1].split()[0])


def _by_wireguard(cast: Cast, seed: Seed, who: str, node: str, text: str, during: Callable[[], None]) -> None:
    cast.people[who].wireguard_up(text, node)
    try:
        _use(cast, seed, who, node, seed.text(f"{who}.name1"))
        during()
    finally:
        cast.people[who].wireguard_down(node)


def _by_openvpn(cast: Cast, seed: Seed, who: str, node: str, names: Names, during: Callable[[], None]) -> None:
    profile = pages.openvpn_profile(cast.browser(who), node, "udp")
    client = cast.people[who].openvpn_up(profile, names.username, names.password)
    try:
        _use(cast, seed, who, node, seed.text(f"{who}.name2"))
        during()
    finally:
        client.end()


def _use(cast: Cast, seed: Seed, who: str, node: str, name: str) -> None:
    """Asks for a marked name, sends a marked payload by a marked agent, gets one back."""
    person = cast.people[who]
    leaves_by(cast, who, node)
    person.asks(name)
    for payload in ("payload_up", "payload_down"):
        mark = seed.text(f"{who}.{payload}")
        words = ["-A", seed.text(f"{who}.user_agent"), "--data-binary", mark]
        answer = person.fetch("http://198.18.2.80:8081/", *words, within=20)
        expect(mark in answer, "a marked payload did not come back")


def _move_in(host: Host, seed: Seed, who: str) -> None:
    """Gives her machine the marked MAC and addresses, and lets her speak from them."""
    four, six = seed.text(f"{who}.address4"), seed.text(f"{who}.address6")
    gate4, gate6 = NETWORKS["access"].address4(1), NETWORKS["access"].address6(1)
    for words in (
        ["ip", "link", "set", "eth0", "down"],
        ["ip", "link", "set", "eth0", "address", seed.text(f"{who}.mac")],
        ["ip", "link", "set", "eth0", "up"],
        ["ip", "addr", "flush", "dev", "eth0", "scope", "global"],
        ["ip", "addr", "add", f"{four}/24", "dev", "eth0"],
        ["ip", "-6", "addr", "add", f"{six}/64", "dev", "eth0", "nodad"],
        ["ip", "route", "replace", "default", "via", str(gate4)],
        ["ip", "-6", "route", "replace", "default", "via", str(gate6)],
    ):
        host.run(words)


def _move_out(host: Host, who: str) -> None:
    """Gives the machine its usual addresses back."""
    place = PLACES[who]
    gate4, gate6 = NETWORKS["access"].address4(1), NETWORKS["access"].address6(1)
    for words in (
        ["ip", "addr", "flush", "dev", "eth0", "scope", "global"],
        ["ip", "addr", "add", f"{place.ipv4}/24", "dev", "eth0"],
        ["ip", "-6", "addr", "add", f"{place.ipv6}/64", "dev", "eth0", "nodad"],
        ["ip", "route", "replace", "default", "via", str(gate4)],
        ["ip", "-6", "route", "replace", "default", "via", str(gate6)],
    ):
        host.run(words)


def restart_resolvers(cast: Cast) -> None:
    """Restarts each node's resolver, as its daily timer does: unbound keeps names in freed memory."""
    for name in ("se-sto", "de-fra"):
        host = cast.lab[name]
        before = _resolvers(host)
        expect(before, f"{name} has no resolver to restart")
        host.run(["pkill", "-x", "unbound"])
        wait_until(partial(_fresh, host, before), within=45, what=f"{name}'s resolver to come back")


def _resolvers(host: Host) -> set[str]:
    return set(host.run(["pgrep", "-x", "unbound"], check=False).stdout.split())


def _fresh(host: Host, before: set[str]) -> bool:
    now = _resolvers(host)
    return bool(now) and not now & before
