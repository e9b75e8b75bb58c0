"""What every tunnel must do, over both protocols: import, exit, names, IPv6 by its flag, failures, kill switch."""

import base64
import re

from tyst.journey import pages
from tyst.journey.begin import leaves_by, scan_code, seen_from_outside
from tyst.journey.guest import PATIENCE, Guest, opens
from tyst.journey.limits import end_subscription
from tyst.journey.report import expect
from tyst.lab.topology import PLACES, is_exit
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

OUTSIDE = {
    "WireGuard": f"not (udp port 51820 and host {PLACES['se-sto'].ipv4}) and not icmp6 and not arp",
    "OpenVPN": f"not (udp port 1194 and host {PLACES['se-sto'].ipv4}) and not icmp6 and not arp",
}
DAEMONS = {"WireGuard": "wireguard-go", "OpenVPN": "openvpn"}
NAMES, NAMES_SCRIPT = (
    "/run/tyst-names",
    """
case "$script_type" in
  up) printf 'nameserver 10.0.0.1\\nnameserver fd74:7973:7400::1\\n' | resolvconf -x -a "$dev" ;;
  down) resolvconf -d "$dev" ;;
esac
""",
)
"""docs/use/connect.md: with Debian's own script, names fall back to the network's resolver when the tunnel is dead."""
FORGOTTEN_WITHIN = 240.0
"""Seconds until a WireGuard device that went without a word is off the count: 180 of WireGuard's own, and a renewal."""


def joins(guest: Guest) -> str:
    """Account, month, both add-ons; one key's files for every server, way and face."""
    guest.joins("multihop", "ipv4")
    guest.takes_files()
    return f"{len(guest.files)} files of one key"


def imports(guest: Guest, protocol: str) -> str:
    """The client takes the file without a word of warning."""
    if protocol == "WireGuard":
        guest.person.write("/run/se-sto.conf", guest.files["se-sto"])
        done = guest.person.host.run(["wg-quick", "strip", "/run/se-sto.conf"])
        expect(not done.stderr, f"wg-quick said: {done.stderr.strip()}")
        return "wg-quick: no warning"
    profile = pages.file(guest.cast.browser(guest.who), "/en/account/openvpn/se-sto-udp.ovpn")
    client = guest.person.openvpn_up(profile, *guest.credential)
    client.end()
    mine = [line for line in client.said if "PUSH-OPTIONS" not in line]  # block-outside-dns is for Windows alone
    warned = [line for line in mine if re.search(r"WARNING|DEPRECATED|Options error|Unrecognized", line)]
    expect(not warned, f"openvpn said: {warned[:1]}")
    return "openvpn: no warning"


def code_is_file(guest: Guest) -> str:
    """The QR code holds the file, byte for byte."""
    browser = guest.cast.browser(guest.who)
    pages.begin_key(browser)
    text = pages.config(browser, "de-fra")
    scanned = scan_code(guest.cast, base64.b64decode(browser.picture("#wireguard-qr")))
    expect(scanned == text, "the QR code is not the file")
    return f"{len(text)} bytes"


def exits(guest: Guest, protocol: str) -> str:
    """Seen at the node's exit in both families, names by its resolver alone, no packet beside the tunnel."""
    with guest.by(protocol) as person:
        leaves_by(guest.cast, guest.who, "se-sto")
        with Watch(person.host, "eth0", OUTSIDE[protocol], leaving=True) as watch:
            checks = seen_from_outside(guest.cast, guest.who, "se-sto")
            expect(not watch.packets, f"{watch.count()} packets left outside the tunnel")
    return checks


def six_by_flag(guest: Guest, protocol: str) -> str:
    """IPv6 off: nothing of it comes out anywhere; on: at the node's exit."""
    guest.setting("has_ipv6", False)
    try:
        with guest.by(protocol, fresh=True) as person:
            leaves_by(guest.cast, guest.who, "se-sto")
            with Watch(person.host, "eth0", f"ip6 and not icmp6 and {OUTSIDE[protocol]}", leaving=True) as watch:
                expect(person.address(6) == "", "IPv6 goes out although it is off")
                expect(not watch.packets, "IPv6 leaks beside the tunnel")
    finally:
        guest.setting("has_ipv6", True)
    with guest.by(protocol, fresh=True) as person:
        leaves_by(guest.cast, guest.who, "se-sto")
        wait_until(lambda: is_exit("se-sto", person.address(6)), within=PATIENCE, what="IPv6 at the exit")
    return "off: blocked, nothing beside the tunnel; on: at the exit"


def fails_openvpn(guest: Guest, other: Guest) -> str:
    """A wrong password and an ended subscription are told apart. (Over the limit: step 6 of the plain journey.)"""
    profile = pages.file(guest.cast.browser(guest.who), "/en/account/openvpn/se-sto-udp.ovpn")
    for names, reason in (((guest.names.username, "wrong"), "wrong-login"), (other.credential, "account-expired")):
        client = guest.person.openvpn_start(profile, *names)
        told = client.reads_until(f"AUTH_FAILED.*{reason}", 60)
        client.end()
        expect(told, f"openvpn did not show {reason}: {''.join(client.said[-3:])}")
    return "wrong-login, account-expired"


def fails_wireguard(other: Guest) -> str:
    """An ended subscription comes up in the walled garden, whose page says so; a key of nobody's gets nothing."""
    with other.wireguard() as person:

        def notice() -> str:
            return person.fetch("http://[fd74:7973:7400::2]/", "-L")

        wait_until(lambda: "subscription" in notice().lower(), within=PATIENCE, what="the notice page to say why")
        expect(person.address() == "", "the garden leads to the internet")
    own = re.search(r"PrivateKey = (\S+)", other.files["se-sto"])
    assert own
    nobody = person.host.run(["wg", "genkey"]).stdout.strip()
    person.wireguard_up(other.files["se-sto"].replace(own.group(1), nobody), "se-sto")
    try:
        expect(not person.ping("10.0.0.1", count=2), "an unknown key is answered")
    finally:
        person.wireguard_down("se-sto")
    return "expired: walled garden and its page; unknown key: silence"


def lapses(other: Guest) -> str:
    """Another customer, whose month is over."""
    other.joins()
    other.takes_files()
    end_subscription(other.cast, other.names)
    return "her last day was yesterday"


def kill_switch(guest: Guest, protocol: str) -> str:
    """The node's daemon is killed: nothing leaves beside the tunnel, and afterwards the tunnel carries again."""
    node = guest.cast.node("se-sto")
    guest.person.write(NAMES, NAMES_SCRIPT)
    only = [word for when in ("--up", "--down") for word in (when, f"/bin/sh {NAMES}")]
    profile = "/en/account/openvpn/se-sto-udp.ovpn"
    way = guest.wireguard("se-sto linux") if protocol == "WireGuard" else guest.openvpn(profile, *only)
    with way as person:
        leaves_by(guest.cast, guest.who, "se-sto")
        with Watch(person.host, "eth0", OUTSIDE[protocol], leaving=True) as watch:
            node.run(["pkill", "-9", "-x", DAEMONS[protocol]])
            person.address(4, within=3)
            person.address(6, within=3)
            person.asks()
            expect(not watch.packets, f"{watch.count()} packets left outside the tunnel")
        leaves_by(guest.cast, guest.who, "se-sto", within=120)
    wait_until(lambda: not is_exit("se-sto", opens(person)), within=PATIENCE, what="her own way out again")
    return "0 packets beside the tunnel; the tunnel came back"


def devices_return(guest: Guest, protocol: str) -> str:
    """Connected: counted. Disconnected: not, at once by OpenVPN's goodbye, else when the tunnel is forgotten."""
    guest.disconnects_all()
    with guest.by(protocol):
        leaves_by(guest.cast, guest.who, "se-sto")
        wait_until(lambda: (guest.devices() or 0) >= 1, within=PATIENCE, every=2, what="the device to be counted")
    within = FORGOTTEN_WITHIN if protocol == "WireGuard" else PATIENCE
    wait_until(lambda: guest.devices() == 0, within=within, every=2, what="devices to be 0")
    return "1, then 0"


def preshared(guest: Guest) -> str:
    """A file with a preshared key connects."""
    browser = guest.cast.browser(guest.who)
    pages.begin_key(browser, preshared=True)
    text = guest.files["preshared"] = pages.config(browser, "se-sto")
    expect("\nPresharedKey = " in text, "the file has no preshared key")
    with guest.wireguard("preshared"):
        leaves_by(guest.cast, guest.who, "se-sto")
    return "connects with PresharedKey"


def compression(guest: Guest) -> str:
    """With the setting on, the profile allows what old servers sent, and the tunnel works."""
    guest.setting("compression", True)
    try:
        profile = pages.file(guest.cast.browser(guest.who), "/en/account/openvpn/se-sto-udp.ovpn")
        expect("compress" in profile, "the profile says nothing of compression")
        with guest.openvpn():
            leaves_by(guest.cast, guest.who, "se-sto")
    finally:
        guest.setting("compression", False)
    plain = pages.file(guest.cast.browser(guest.who), "/en/account/openvpn/se-sto-udp.ovpn")
    expect("compress" not in plain, "with the setting off the profile still speaks of compression")
    return "on: in the profile, and connects; off: not in it"
