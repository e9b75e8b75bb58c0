"""Where UDP is blocked: OpenVPN over TCP, WireGuard inside TLS, OpenVPN inside Shadowsocks, by the site's commands.

She reads the page and saves its files where the network is open, and uses them where it is not.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tyst.journey import pages
from tyst.journey.begin import leaves_by
from tyst.journey.cast import Cast
from tyst.journey.guest import PATIENCE, Guest
from tyst.journey.report import expect
from tyst.lab.topology import PLACES
from tyst.lab.wait import wait_until

NO_UDP = "table inet noudp {\n chain through {\n  type filter hook forward priority 0; meta l4proto udp drop\n }\n}\n"


@contextmanager
def udp_blocked(cast: Cast) -> Iterator[None]:
    """The internet provider of all customers lets no UDP through."""
    cast.lab["isp"].run(["nft", "-f", "-"], input=NO_UDP)
    try:
        yield
    finally:
        cast.lab["isp"].run(["nft", "delete", "table", "inet", "noudp"])


def blocked(guest: Guest) -> str:
    """First of all: without a way around it, UDP gets nowhere."""
    with udp_blocked(guest.cast), guest.wireguard() as person:
        expect(not person.ping("10.0.0.1", count=2), "UDP was not blocked: the next steps prove nothing")
    return "WireGuard alone does not come through"


def tcp(guest: Guest) -> str:
    """OpenVPN on TCP port 443."""
    profile = guest.profile("/en/account/openvpn/se-sto-tcp.ovpn")
    with udp_blocked(guest.cast), guest.profiled(profile):
        leaves_by(guest.cast, guest.who, "se-sto")
    return "OpenVPN on TCP 443"


def tls(guest: Guest) -> str:
    """WireGuard inside TLS, with the lines that the site shows."""
    lines = pages.commands(guest.cast.browser(guest.who), "se-sto", "tls")
    guest.person.write("/run/se-sto.conf", guest.files["se-sto"])
    with _followed(guest, lines, "socat"), udp_blocked(guest.cast):
        guest.person.host.run(["wg-quick", "up", "/run/se-sto-tls.conf"])
        try:
            leaves_by(guest.cast, guest.who, "se-sto")
        finally:
            guest.person.host.run(["wg-quick", "down", "/run/se-sto-tls.conf"])
    return "WireGuard inside TLS"


def shadowsocks(guest: Guest) -> str:
    """OpenVPN inside Shadowsocks, with the lines that the site shows."""
    lines = pages.commands(guest.cast.browser(guest.who), "se-sto", "shadowsocks")
    profile = guest.profile("/en/account/openvpn/se-sto-shadowsocks.ovpn")
    with _followed(guest, lines, "ss-local"), udp_blocked(guest.cast), guest.profiled(profile):
        leaves_by(guest.cast, guest.who, "se-sto")
    return "OpenVPN inside Shadowsocks"


@contextmanager
def _followed(guest: Guest, lines: list[str], program: str) -> Iterator[None]:
    """She types what the page says, up to the line that starts her end of the relay, until the block ends."""
    host = guest.person.host
    words = [re.sub(r"\bsudo ", "", line).removesuffix(" &") for line in lines if " apt install " not in line]
    (start,) = [line for line in words if line.startswith(program)]
    for line in words[: words.index(start)]:
        host.run(["sh", "-c", line], cwd="/run", timeout=60)
    relay = host.popen(["sh", "-c", f"exec {start}"], cwd="/run")
    try:
        wait_until(
            lambda: re.search(r"127\.0\.0\.1:(51821|1080) ", host.run(["ss", "-Hlntu"]).stdout),
            within=PATIENCE,
            what=f"{program} to listen",
        )
        yield
    finally:
        relay.terminate()
        relay.wait(10)
        host.run(["ip", "route", "del", str(PLACES["se-sto"].ipv4)], check=False)
