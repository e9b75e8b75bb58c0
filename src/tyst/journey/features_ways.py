"""In at one node and out at another, an address of one's own, and ports that lead in: by both protocols."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from tyst.journey import pages
from tyst.journey.begin import leaves_by
from tyst.journey.guest import PATIENCE, Guest
from tyst.journey.person import Person
from tyst.journey.report import expect
from tyst.lab.host import Host
from tyst.lab.topology import PLACES, POOLS, is_exit, span
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

PORT, HELLO = 8080, "hello from inside"
GATEWAY = "10.0.0.1"


def multihop(guest: Guest, protocol: str) -> str:
    """Seen at the exit; the entry's links carry the exit's address and nothing of where she goes."""
    web, entry = PLACES["web"], guest.cast.node("de-fra")
    with _through(guest, protocol) as person, Watch(entry, "eth0", f"host {web.ipv4} or host {web.ipv6}") as watch:
        leaves_by(guest.cast, guest.who, "se-sto")
        expect(is_exit("se-sto", person.address(6)), "over IPv6 she is not seen at the exit")
        expect(not watch.packets, "the entry's link carries a destination of hers")
        beyond = f"udp and host {PLACES['se-sto'].ipv4} and host {PLACES['de-fra'].ipv4}"
        with Watch(entry, "eth0", beyond) as relayed:
            person.address()
            expect(relayed.packets, "nothing passed the entry: it proves nothing")
    return "in at de-fra, out at se-sto; the entry's link shows no destination"


def _through(guest: Guest, protocol: str) -> AbstractContextManager[Person]:
    if protocol == "WireGuard":
        return guest.wireguard("multihop")
    return guest.openvpn("/en/account/multihop/profile.ovpn?entry=de-fra&exit=se-sto")


def forwarded_port(guest: Guest, protocol: str) -> str:
    """`natpmpc` gets a port; from the internet it reaches what listens on her machine; gone when given back."""
    with guest.by(protocol) as person, listening(person.host):
        leaves_by(guest.cast, guest.who, "se-sto")
        words = ["natpmpc", "-g", GATEWAY, "-a", "0", str(PORT), "tcp"]
        said = person.host.run([*words, "600"], timeout=60).stdout
        port = re.search(r"Mapped public port (\d+) protocol TCP to local port", said)
        address = re.search(r"Public IP address : (\S+)", said)
        expect(port and address, f"natpmpc got no port: {said[-300:]}")
        assert port and address
        expect(is_exit("se-sto", address.group(1)), "the port is at another address than the exit")
        reached(guest.cast.lab["web"], address.group(1), port.group(1))
        person.host.run([*words, "0"], timeout=60, check=False)
    shut(guest.cast.lab["web"], address.group(1), port.group(1))
    return f"port {port.group(1)} reachable from outside, and gone afterwards"


def public_ipv4(guest: Guest, protocol: str) -> str:
    """An address of her own: she is seen at it, and every port of it reaches her."""
    browser = guest.cast.browser(guest.who)
    mine = pages.take_public_ipv4(browser, "se-sto")
    try:
        expect(mine in map(str, span(POOLS["se-sto"]["public"])), "the page shows no address of the node's")
        with guest.by(protocol) as person, listening(person.host):
            wait_until(lambda: person.address() == mine, within=PATIENCE, what="her to be seen at her own address")
            reached(guest.cast.lab["web"], mine, str(PORT))
    finally:
        pages.release_public_ipv4(browser)
    return f"seen at {mine}, and reached there"


@contextmanager
def listening(host: Host) -> Iterator[None]:
    """Something listens on her machine and says hello to whoever comes."""
    server = host.popen(["socat", f"TCP-LISTEN:{PORT},fork,reuseaddr", f"SYSTEM:echo {HELLO}"])
    try:
        wait_until(lambda: f":{PORT} " in host.run(["ss", "-Hltn"]).stdout, within=PATIENCE, what="her server")
        yield
    finally:
        server.kill()
        server.wait(10)


def hello(host: Host, address: str, port: str) -> bool:
    """Whether her server answers somebody on the internet."""
    words = ["socat", "-t", "3", "-u", f"TCP4:{address}:{port},connect-timeout=3", "-"]
    return HELLO in host.run(words, check=False, timeout=20).stdout


def reached(host: Host, address: str, port: str) -> None:
    """Waits until it does."""
    wait_until(lambda: hello(host, address, port), within=PATIENCE, what="her server to be reached from outside")


def shut(host: Host, address: str, port: str) -> None:
    """Waits until it doesn't."""
    wait_until(lambda: not hello(host, address, port), within=PATIENCE, what="the port to be shut")
