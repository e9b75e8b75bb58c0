"""Row 41: a name with a line end, a quote, `;`, `%` or NUL in it becomes a second line of some configuration or command.

Names reach WireGuard, OpenVPN, nftables and unbound as text in a few places, all in `core`: each refuses what is no
name. Programs get argument lists and never a shell. The management protocol's own cases, both directions, are in
`tests/unit/core/openvpn/test_management.py`.
"""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.elements import elements
from tests.findings.account import Account
from tests.findings.world import NODE, World, nft
from tests.unit.site.browser_key import DeviceKey
from tyst.core import firewall
from tyst.core.dns import Files, Resolver
from tyst.core.openvpn import management
from tyst.core.openvpn.profile import Profile, Remote, profile
from tyst.core.wireguard.config import Config, from_text, to_text
from tyst.fleet import nodes
from tyst.journey.person import Person
from tyst.lab.bringup import STATE, TYST

pytestmark = pytest.mark.lab

EVIL = (
    *(
        "a\nb",
        "a\r\nb",
        "a\0b",
        "a;b",
        "a%nb",
        'a"b',
        "a'b",
        "a`id`",
        "$(id)",
        "a b",
        "a\\b",
        "a{b",
        "a]b",
        "a#b",
        "a|b",
    ),
    *("../a", "a/b", "é", "a\u2028b", "-", "", " ", "a" * 300, "<tls-crypt>", "a\nPostUp = id", 'x" accept\n  #'),
)
STATIC_KEY = "-----BEGIN OpenVPN Static key V1-----\n{}-----END OpenVPN Static key V1-----\n".format(
    f"{'ab' * 16}\n" * 16
)
AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CONFIG = Config(
    NODE, bytes(32), IPv4Interface("10.16.0.1/32"), IPv6Interface("fd74::1/128"), bytes(32), IPv4Address(1), 1
)
PROFILE = Profile((Remote(IPv4Address("192.0.2.10"), 1194, "udp"),), AUTHORITY, STATIC_KEY, "se-sto.node.tyst")

MAKERS: dict[str, Callable[[str], str]] = {
    "a WireGuard config": lambda name: to_text(replace(CONFIG, name=name)),
    "an OpenVPN profile": lambda name: profile(replace(PROFILE, server_name=name)),
    "an OpenVPN profile's key": lambda text: profile(replace(PROFILE, tls_crypt=text)),
    "an OpenVPN profile's authority": lambda text: profile(replace(PROFILE, authority_pem=text)),
    "the firewall": lambda name: firewall.Ruleset(name).text({}, seed=1),
    "the resolver": lambda name: Resolver(name or "-", (IPv4Address(1),)).text(Files()),
    "a refusal to openvpn": lambda reason: management.client_deny(1, 1, reason).decode(),
}
PLAIN = {"the firewall": "eth0", "the resolver": "tyst.test", "a refusal to openvpn": "no"}
BENIGN = {("a refusal to openvpn", "a b"), ("a refusal to openvpn", "a]b"), ("a WireGuard config", "-")}
"""A reason may be several words, and brackets carry a number in it; wg-quick takes such an interface name."""


@pytest.mark.parametrize("maker", MAKERS)
def test_what_is_no_name_is_refused_and_not_repeated(maker: str) -> None:
    for name in EVIL:
        if (maker, name) not in BENIGN:
            with pytest.raises(ValueError) as refusal:
                MAKERS[maker](name)
            assert len(name) < 4 or name not in str(refusal.value)


@pytest.mark.parametrize("maker", MAKERS)
@given(name=st.text(max_size=20))
def test_no_name_whatever_adds_a_line(maker: str, name: str) -> None:
    try:
        text = MAKERS[maker](name)
    except ValueError:
        return
    plain = MAKERS[maker](PLAIN.get(maker, NODE))
    assert text.count("\n") == plain.count("\n") and re.sub(re.escape(name), "", text).isascii()
    if maker == "a WireGuard config":
        assert from_text(text) == replace(CONFIG, name=name)


def test_an_interface_that_is_two_rules_would_open_the_firewall(world: World) -> None:
    """What the check in `Ruleset` is worth: formatted into nft's language as it comes, this name lets everything in."""
    evil = 'eth0" drop\n  accept\n  iifname "lo'
    naive = (
        f'table inet naive {{\n chain in {{\n  type filter hook input priority 0;\n  iifname "{evil}" drop\n }}\n}}\n'
    )
    nft(world.lab["bob"], *naive.splitlines())
    assert "\t\taccept\n" in world.lab["bob"].run(["nft", "list", "table", "inet", "naive"]).stdout
    nft(world.lab["bob"], "delete table inet naive")
    with pytest.raises(ValueError, match="15 letters"):
        firewall.Ruleset(evil)
    refused = world.lab["bob"].run(
        [TYST, "node", "--interface", evil, "--state", "/run/nothing"], check=False, timeout=60
    )
    assert refused.returncode == 2 and not (world.lab["bob"].root / "run/nothing").exists()


def test_the_stock_programs_read_from_our_texts_what_we_meant(world: World) -> None:
    alice = world.lab["alice"]
    text = world.config(world.customer().devices[0])
    alice.run(["sh", "-c", f"cat > /run/{NODE}.conf"], input=text)
    stripped = alice.run(["wg-quick", "strip", f"/run/{NODE}.conf"]).stdout
    alice.run(["rm", f"/run/{NODE}.conf"])
    assert sorted(re.findall(r"^(\w+) =", stripped, re.MULTILINE)) == [
        "AllowedIPs",
        "Endpoint",
        "PrivateKey",
        "PublicKey",
    ]
    rules = firewall.Ruleset("eth0").text(elements(["10.16.0.1"], ["fd74::1"], ["fd74::1"]), seed=1)
    alice.run(["nft", "-c", "-f", "-"], input=rules)


def test_the_operator_cannot_name_a_node_so(world: World) -> None:
    for name in EVIL:
        with pytest.raises(nodes.FleetError, match="a node's name"):
            nodes.add(Path("/nonexistent"), nodes.Wanted(name, "Oslo", "no", world.node.ipv4, world.node.ipv6))
    words = [TYST, "fleet", "add", "--state", STATE, "--city", "Oslo", "--country", "no", "--ipv4", "192.0.2.99"]
    done = world.control.run([*words, "--ipv6", "2001:db8::99", "x;\ny"], check=False, timeout=60)
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert world.sql("SELECT count(*) FROM node") == [(2,)]


def test_nobody_signs_up_or_asks_for_a_file_by_such_a_name(world: World) -> None:
    alice = Account(world, world.customer().session)
    for name in EVIL[:8]:
        page = Account(world).post("/en/signup", {"username": name, "password": os.urandom(9).hex(), "country": "se"})
        assert page.status == 422 and page.wrong, repr(name)
    key = alice.send_key(DeviceKey(), public_key="A" * 20 + "\n" + "A" * 23 + "=")
    assert key.status == 422 and key.json["code"] == "key-malformed"
    for path in ("se-sto%0Aremote-udp", "se-sto%00-udp", "..%2f..%2fetc-udp", "se-sto-udp%0A", "se-sto;-udp", "x-udp"):
        assert alice.get(f"/en/account/openvpn/{path}.ovpn").status == 404, path


def test_a_login_full_of_commands_moves_nothing_at_the_node(world: World) -> None:
    mallory, host = Person(world.lab["mallory"]), world.node
    before = host.run(["pgrep", "-x", "openvpn"]).stdout
    name = "mallory\";client-kill 0;%n%s%s;'$(touch /run/pwned)`touch /run/pwned`"
    text = Account(world, world.customer().session).get(f"/en/account/openvpn/{NODE}-udp.ovpn").text
    with world.openvpn("bob", world.customer()):
        client = mallory.openvpn_start(text, name, name)
        try:
            assert client.reads_until("AUTH_FAILED"), client.said
        finally:
            client.end()
        assert Person(world.lab["bob"]).ping("10.0.0.1"), "Bob's tunnel is not touched"
        assert host.run(["pgrep", "-x", "openvpn"]).stdout == before
    assert not any((room.root / "run/pwned").exists() for room in (world.node, world.control))
