"""Steps 5 to 8: OpenVPN, four devices and the fifth, nodes and gates that die, accounts that end."""

import contextlib
import time

from tyst.journey import pages
from tyst.journey.begin import leaves_by, seen_from_outside
from tyst.journey.cast import Cast, Names
from tyst.journey.report import expect
from tyst.lab.bringup import STATE
from tyst.lab.host import CommandFailed
from tyst.lab.topology import PLACES, is_exit
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch

RECONVERGE = 90.0
REVOKE = 30.0
LOOK = 2.0
"""The gate answers a customer's question for her devices a few times a minute, not more."""
YIELD = 185.0
"""A slot is quiet 130 s after the last handshake; its node says so at the next renewal, the garden asks every 20 s."""


def devices_become(cast: Cast, number: int, within: float) -> float:
    """Waits until Alice's account page says so; the seconds it took."""
    began = time.monotonic()
    browser = cast.browser("alice")
    what = f"devices to be {number}"
    wait_until(lambda: pages.devices_or_none(browser) == number, within=within, every=LOOK, what=what)
    return time.monotonic() - began


def openvpn(cast: Cast) -> str:
    """Step 5: `openvpn` with user name and password, then with VPN credentials; devices 2 each time."""
    browser, names = cast.browser("alice"), cast.alice_names
    profile = cast.files["ovpn-se-sto"] = pages.openvpn_profile(browser, "se-sto", "udp")
    first = cast.people["bob"].openvpn_up(profile, names.username, names.password)
    outside = f"not (udp port 1194 and host {PLACES['se-sto'].ipv4}) and not icmp6"
    try:
        with Watch(cast.lab["bob"], "eth0", outside, leaving=True) as watch:
            checks = seen_from_outside(cast, "bob", "se-sto")
            expect(not watch.packets, f"{watch.count()} packets left outside the tunnel")
        devices_become(cast, 2, 40)
    finally:
        first.end()
    devices_become(cast, 1, 45)
    cast.credential = pages.credential(browser)
    expect(names.username not in "".join(cast.credential), "the credential names the account")
    cast.openvpns["bob"] = cast.people["bob"].openvpn_up(profile, *cast.credential)
    seen_from_outside(cast, "bob", "se-sto")
    devices_become(cast, 2, 40)
    return f"{checks}; by password devices 2, goodbye 1, by credential 2"


def fifth_device(cast: Cast) -> str:
    """Step 6: two more make four; the fifth is told why in both protocols; a quiet slot yields to it."""
    browser = cast.browser("alice")
    cast.files["charlie"] = pages.make_key(browser, "de-fra")
    cast.people["charlie"].wireguard_up(cast.files["charlie"], "de-fra")
    leaves_by(cast, "charlie", "de-fra")
    profile = cast.files["ovpn-de-fra"] = pages.openvpn_profile(browser, "de-fra", "tcp")
    cast.openvpns["phone"] = cast.people["phone"].openvpn_up(profile, *cast.credential)
    devices_become(cast, 4, 45)
    refused = cast.people["mallory"].openvpn_start(profile, *cast.credential)
    told = refused.reads_until(r"AUTH_FAILED.*device-limit", 40)
    refused.end()
    expect(told, f"openvpn did not show the reason: {''.join(refused.said[-3:])}")
    garden = walled_garden(cast)
    took = quiet_slot_yields(cast)
    return f"devices 4; OpenVPN shows device-limit; {garden}; the quiet slot yielded after {took:.0f} s"


def walled_garden(cast: Cast) -> str:
    """The fifth WireGuard device comes up, reaches the notice page and the site, and nothing else."""
    fifth = cast.people["mallory"]
    cast.files["fifth"] = pages.make_key(cast.browser("alice"), "de-fra")
    fifth.wireguard_up(cast.files["fifth"], "de-fra")

    def notice() -> str:
        return fifth.fetch("http://[fd74:7973:7400::2]/", "-L")

    wait_until(lambda: "device" in notice().lower(), within=45, what="the notice page to say why")
    expect("tyst.test" in notice(), "the notice page does not say where to go")
    expect(
        "302" in fifth.fetch("http://connectivity-check.ubuntu.com/")[:40],
        "a captive-portal probe is not led to the notice",
    )
    expect(fifth.address() == "" and fifth.address(6) == "", "the garden leads to the internet")
    site = fifth.fetch("https://tyst.test/en/", within=10)
    expect(" 200" in site[:20], "the site is not reachable from the garden")
    return "WireGuard in the garden: notice page and site, nothing else"


def quiet_slot_yields(cast: Cast) -> float:
    """The third device vanishes without a goodbye; the fifth gets its slot without anybody's help."""
    cast.lab["charlie"].run(["ip", "link", "set", "de-fra", "down"])
    began = time.monotonic()
    leaves_by(cast, "mallory", "de-fra", within=YIELD, every=1)
    expect(pages.devices(cast.browser("alice")) == 4, "devices is not 4 after the quiet slot yielded")
    return time.monotonic() - began


def node_dies(cast: Cast) -> str:
    """Step 7, first half: a node is killed; devices is right again within 90 s."""
    cast.node("de-fra").kill9()
    try:
        took = devices_become(cast, 2, RECONVERGE)
    finally:
        if "phone" in cast.openvpns:
            cast.openvpns.pop("phone").end()
        with contextlib.suppress(CommandFailed):
            cast.people["mallory"].wireguard_down("de-fra")
        cast.provider.start_node("de-fra")
    cast.report.figures["devices_after_node_kill_s"] = round(took, 1)
    return f"devices right after {took:.0f} s"


def gate_dies(cast: Cast) -> str:
    """Step 7, second half: the gate is killed and started; open tunnels never notice; the counts rebuild."""
    pings = cast.lab["alice"].popen(["ping", "-n", "-q", "-i", "0.2", "-w", "30", str(PLACES["web"].ipv4)], stdout=-1)
    cast.provider.kill_gate()
    wait_until(
        lambda: pages.devices_or_none(cast.browser("alice")) is None,
        within=25,
        what="the site to say that the gate is away",
    )
    expect(is_exit("se-sto", cast.alice.address()), "Alice's tunnel noticed")
    expect(is_exit("se-sto", cast.people["bob"].address()), "Bob's tunnel noticed")
    said = pings.communicate(timeout=45)[0]
    expect(" 0% packet loss" in said, f"pings were lost: {said.strip().splitlines()[-2:]}")
    cast.provider.start_gate()
    took = devices_become(cast, 2, RECONVERGE)
    cast.report.figures["devices_after_gate_kill_s"] = round(took, 1)
    return f"no ping lost in 30 s without a gate; devices rebuilt after {took:.0f} s"


def accounts_end(cast: Cast) -> str:
    """Step 8: a subscription ends, an account is re-keyed, one is deleted: the open tunnels end within 30 s."""
    customers = {"charlie": Names.fresh("charlie"), "phone": Names.fresh("dora")}
    for who, names in customers.items():
        newcomer(cast, who, names)
    for who in ("charlie", "phone"):
        expect(is_exit("de-fra", cast.people[who].address()), f"{who} is not connected")
    began = time.monotonic()
    pages.rekey(cast.browser("alice"))
    pages.delete_account(cast.browser("phone"), customers["phone"])
    end_subscription(cast, customers["charlie"])
    took = {who: ended(cast, who, began) for who in ("alice", "bob", "phone", "charlie")}
    cast.report.figures["revocation_s_max"] = round(max(took.values()), 1)
    expect(max(took.values()) <= REVOKE, f"a tunnel lived on for {max(took.values()):.0f} s")
    return "; ".join(f"{who} {seconds:.0f} s" for who, seconds in took.items())


def newcomer(cast: Cast, who: str, names: Names) -> None:
    """Another customer with a month and an open WireGuard tunnel to de-fra."""
    with contextlib.suppress(CommandFailed):
        cast.people[who].wireguard_down("de-fra")
    browser = cast.browser(who)
    pages.sign_up(browser, names)
    pages.redeem(browser, cast.provider.vouchers(1)[0])
    cast.people[who].wireguard_up(pages.make_key(browser, "de-fra"), "de-fra")
    leaves_by(cast, who, "de-fra")


def end_subscription(cast: Cast, names: Names) -> None:
    """Time passes for one account: its last day becomes yesterday."""
    change = "UPDATE account SET subscription = date('now', '-1 day') || ' 23:59:59' WHERE username = ?"
    opened = f"d = sqlite3.connect('{STATE}/records.sqlite3')"
    code = f"import sqlite3; {opened}; d.execute({change!r}, ({names.username!r},)); d.commit()"
    cast.provider.control.run(["python3", "-c", code])


def ended(cast: Cast, who: str, began: float) -> float:
    """Waits until a person's tunnel carries nothing to the internet any more; seconds since `began`."""
    target = str(PLACES["web"].ipv4)
    wait_until(
        lambda: not cast.people[who].ping(target, within=1),
        within=REVOKE + 15,
        every=0.2,
        what=f"{who}'s tunnel to end",
    )
    return time.monotonic() - began
