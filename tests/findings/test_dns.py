"""The resolver: faces that a device picks, the operator's signed lists, questions to anybody else, DNS over TLS and
HTTPS, and what is left of the names that were asked (nothing, once the resolver was restarted).

Alice uses stock clients with configurations that name the face without ads; all questions are asked by stock programs.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.findings.account import Account
from tests.findings.names import ADS, DICE, FILM, LISTS, MALWARE, publish, status
from tests.findings.visitor import room_says
from tests.findings.world import NODE, OTHER, World, without
from tyst.core.faces import CLEAN, FACES, FAMILY, PLAIN
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.gate.shelf import BUNDLE
from tyst.journey.person import Person
from tyst.lab.host import Host
from tyst.lab.topology import AUTHORITATIVE_V4, AUTHORITATIVE_V6, ECHO_V4, PLACES
from tyst.lab.wait import wait_until
from tyst.node.lists import REFUSED
from tyst.proof.engine import Engine
from tyst.proof.search import search_all
from tyst.proof.surfaces import SurfaceKind, surfaces

pytestmark = pytest.mark.lab

AUTHORITY = "/run/authority.crt"
PROTOCOLS = ("wireguard", "openvpn")
NODES = {str(PLACES[NODE].ipv4), str(PLACES[NODE].ipv6)}


@dataclass
class Alice:
    """Her host with its tunnel up."""

    host: Host

    def dig(self, name: str, *options: str) -> str:
        """What dig prints; her system's resolver unless an option says otherwise."""
        return self.host.run(["dig", "+time=4", "+tries=2", name, *options], check=False, timeout=30).stdout

    def kdig(self, name: str, *options: str) -> str:
        """The same over TLS; the authority is the one in everybody's OpenVPN profile."""
        words = ["kdig", "+time=4", "+retry=1", f"+tls-ca={AUTHORITY}", *options, name]
        return self.host.run(words, check=False, timeout=30).stdout


@pytest.fixture(scope="module", params=PROTOCOLS)
def alice(world: World, lists: None, request: pytest.FixtureRequest) -> Iterator[Alice]:
    """Alice with a configuration that names the face without ads, trackers and malware."""
    one, host = world.customer(), world.lab["alice"]
    profile = Account(world, one.session).get(f"/en/account/openvpn/{NODE}-udp.ovpn?dns=clean").text
    pem = re.search(r"<ca>\n(.*?)</ca>", profile, re.DOTALL)
    assert pem
    host.run(["sh", "-c", f"cat > {AUTHORITY}"], input=pem[1])
    person = Person(host)
    if request.param == "openvpn":
        client = person.openvpn_up(profile, *one.credential)
        yield Alice(host)
        client.end()
    else:
        plain = world.config(one.devices[0])
        assert PLAIN.text in plain
        person.wireguard_up(plain.replace(PLAIN.text, CLEAN.text), NODE)
        yield Alice(host)
        person.wireguard_down(NODE)


def test_alices_config_alone_decides_what_is_blocked_for_her(alice: Alice) -> None:
    assert status(alice.dig(f"x.{ADS}")) == status(alice.dig(MALWARE)) == "NXDOMAIN", "she picked the clean face"
    assert status(alice.dig(DICE)) == status(alice.dig("echo.test")) == "NOERROR"


def test_each_face_blocks_what_it_says_over_both_families(alice: Alice) -> None:
    wanted = {PLAIN: (), CLEAN: (ADS, MALWARE), FAMILY: (ADS, MALWARE, DICE)}
    for face in FACES:
        for address in (face.four, face.six):
            said = {name: status(alice.dig(name, f"@{address}")) for name in (ADS, MALWARE, DICE)}
            assert said == {n: "NXDOMAIN" if n in wanted[face] else "NOERROR" for n in said}, face.word


def test_whomever_alice_asks_the_nodes_resolver_answers(world: World, alice: Alice) -> None:
    def asker(server: object, *options: str) -> str:
        """Whom the authoritative server heard when this server was asked: it answers with the asker's address."""
        return alice.dig("whoami.test", "TXT", "+short", f"@{server}", *options).strip().strip('"')

    with without(world.node, "vp_redirect", "53 dnat"):
        straight = asker(AUTHORITATIVE_V4)
        assert straight and straight not in NODES, "without the rule her question leaves as she sent it"
    for server in (AUTHORITATIVE_V4, AUTHORITATIVE_V6, "198.18.2.99", "2001:db8:e::99"):
        assert {asker(server), asker(server, "+tcp")} <= NODES, f"{server} is answered by ours"


def test_dns_over_tls_and_https_show_a_certificate_for_the_faces_name(alice: Alice) -> None:
    for face, name, blocked in ((PLAIN, "dns.tyst.test", "NOERROR"), (CLEAN, "clean.dns.tyst.test", "NXDOMAIN")):
        assert alice.dig(name, "+short", f"@{PLAIN.four}").strip() == str(face.four)
        for way in ("+tls", "+https"):
            for address in (face.four, face.six):
                said = alice.kdig(ADS, way, f"+tls-hostname={name}", f"@{address}")
                assert status(said) == blocked and "TLS1.3" in said, f"{way} at {face.word}"
    wrong = alice.kdig(ADS, "+tls", "+tls-hostname=dns.example.test", f"@{PLAIN.four}")
    assert status(wrong) == "", "a client that wants another name is not content"
    elsewhere = alice.kdig(ADS, "+tls", f"@{ECHO_V4}")
    assert status(elsewhere) == "", "other people's DNS over TLS is refused at once, so that programs fall back"


def test_nothing_of_the_names_is_left_once_the_resolver_was_restarted(world: World, alice: Alice) -> None:
    labels = [os.urandom(10).hex() for _ in range(5)]
    ways = [(f"@{PLAIN.four}",), (f"@{CLEAN.six}",), (f"@{FAMILY.four}", "+tcp")]
    for label, way in zip(labels, ways, strict=False):
        alice.dig(f"{label}.probe.test", *way)
    alice.kdig(f"{labels[3]}.probe.test", "+https", "+tls-hostname=dns.tyst.test", f"@{PLAIN.four}")
    alice.dig(f"{labels[4]}.{FILM}", f"@{PLAIN.four}")
    assert _left(world.node, labels) >= {("unbound", label) for label in labels}, "a resolver that runs remembers"
    before = _unbound(world.node)
    world.node.run(["pkill", "-x", "unbound"])
    wait_until(lambda: len(_unbound(world.node) - before) == len(before), within=20, what="the resolvers to be fresh")
    wait_until(lambda: status(alice.dig("echo.test")) == "NOERROR", within=20, what="the resolver to answer")
    wait_until(lambda: not _left(world.node, labels), within=30, every=1.0, what="all of the names to be gone")


@pytest.mark.night
def test_a_bundle_that_is_older_or_not_the_operators_changes_nothing_and_is_said_in_one_word(
    world: World, lists: None
) -> None:
    bundle = world.state / BUNDLE
    good, node = bundle.read_bytes(), world.provider.nodes[NODE]
    publish(world, {**LISTS, "ads": (ADS, "more.probe.test")})
    newer = bundle.read_bytes()
    wait_until(lambda: _clean(world, "more.probe.test") == "NXDOMAIN", within=90, every=0.5, what="the newer bundle")
    room_says(node)
    for wrong in (good, newer.replace(b"more.probe.test", b"echo.probe.test")):
        bundle.write_bytes(wrong)
        wait_until(lambda: REFUSED in room_says(node), within=90, every=0.5, what="the node's word")
        assert _clean(world, "more.probe.test") == _clean(world, ADS) == "NXDOMAIN"
        assert _clean(world, "echo.probe.test") == "NOERROR"
    bundle.write_bytes(newer)
    publish(world)
    wait_until(lambda: _clean(world, "more.probe.test") == "NOERROR", within=90, every=0.5, what="the lists of before")
    room_says(world.provider.nodes[OTHER])


def _clean(world: World, name: str) -> str:
    """What the face without ads says, asked on the node itself."""
    words = ["dig", "+time=2", "+tries=1", f"@{CLEAN.four}", name]
    return status(world.node.run(words, check=False, timeout=20).stdout)


def _unbound(host: Host) -> set[str]:
    return set(host.run(["pgrep", "-x", "unbound"], check=False).stdout.split())


def _left(host: Host, labels: list[str]) -> set[tuple[str, str]]:
    """(program, label) for each label in the memory of the resolvers and of the agent, whose relay passes some on.

    WireGuard's and OpenVPN's own buffers of packets are row 54's (`records/inventory.toml` declares them).
    """
    marks = tuple(Mark(label, MarkKind.TEXT, label) for label in labels)
    found = search_all(Engine(scan_set_of(marks)), (one for one in surfaces(host) if one.kind is SurfaceKind.MEMORY))
    hits = {(surface.process or surface.name, mark.name) for surface, mark, _, _ in found.hits()}
    return {(program, label) for program, label in hits if program in ("unbound", "tyst node")}
