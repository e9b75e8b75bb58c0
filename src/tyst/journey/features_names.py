"""Names: the resolver's faces, questions to anybody else, DNS over TLS and HTTPS, and streaming."""

import re
from contextlib import AbstractContextManager
from functools import partial

from tyst.journey import pages
from tyst.journey.begin import leaves_by
from tyst.journey.cast import Cast
from tyst.journey.guest import PATIENCE, Guest
from tyst.journey.person import Person
from tyst.journey.report import expect
from tyst.lab.bringup import STATE
from tyst.lab.topology import AUTHORITATIVE_V4, PLACES, POOLS, is_exit
from tyst.lab.wait import wait_until

LISTS = {"ads": "ads.probe.test", "gambling": "dice.probe.test", "streaming": "film.test"}
LISTS_WITHIN = 90.0
"""Nodes ask every 20 s; then their resolver reads it all."""
FACES: tuple[tuple[str, set[str]], ...] = (("plain", set()), ("clean", {"ads"}), ("family", {"ads", "gambling"}))


def published(cast: Cast) -> str:
    """The operator signs lists of names; the nodes fetch them."""
    words = []
    for kind, name in LISTS.items():
        cast.provider.control.run(["sh", "-c", f"echo {name} > /run/list-{kind}"])
        words += [f"--{kind}", f"/run/list-{kind}"]
    said = cast.provider.operator("fleet", "lists", "publish", *words, "--state", STATE)
    node = Person(cast.node("se-sto"))
    wait_until(
        lambda: status(node, LISTS["ads"], "@10.0.0.3") == "NXDOMAIN",
        within=LISTS_WITHIN,
        every=1,
        what="the lists to arrive at the node",
    )
    return said.strip().splitlines()[0]


def _says(person: Person, name: str, wanted: str) -> bool:
    return status(person, name) == wanted


def faces(guest: Guest, protocol: str) -> str:
    """Each face blocks its kinds, and the plain one nothing."""
    for number, (word, kinds) in enumerate(FACES):
        with _faced(guest, protocol, number, word) as person:
            leaves_by(guest.cast, guest.who, "se-sto")
            for kind in ("ads", "gambling"):
                wanted = "NXDOMAIN" if kind in kinds else "NOERROR"
                wait_until(
                    partial(_says, person, LISTS[kind], wanted),
                    within=PATIENCE,
                    every=1,
                    what=f"the {word} face to answer {wanted} for {kind}",
                )
    return "plain blocks nothing, clean ads, family gambling too"


def _faced(guest: Guest, protocol: str, number: int, word: str) -> AbstractContextManager[Person]:
    if protocol == "WireGuard":
        return guest.wireguard(f"face {number}")
    return guest.openvpn(f"/en/account/openvpn/se-sto-udp.ovpn?dns={word}")


def status(person: Person, name: str, *server: str) -> str:
    """What `dig` says of a name: NOERROR, NXDOMAIN, …; her system's resolver unless another is named."""
    said = person.host.run(["dig", "+time=3", "+tries=2", *server, name], check=False, timeout=30).stdout
    found = re.search(r"status: (\w+)", said)
    return found.group(1) if found else ""


def other_resolver(guest: Guest, protocol: str) -> str:
    """A question to another resolver is answered by the node's: only it is seen asking."""
    with guest.by(protocol) as person:
        leaves_by(guest.cast, guest.who, "se-sto")
        name = f"other-{protocol.lower()}.probe.test"
        expect(status(person, name, f"@{AUTHORITATIVE_V4}"), "nobody answered")
        askers = set(guest.cast.witnesses(name))
        ours = {str(PLACES["se-sto"].ipv4), str(PLACES["se-sto"].ipv6)}
        expect(askers and askers <= ours, f"somebody else asked: {sorted(askers)}")
    return "answered by the node's resolver"


def encrypted(guest: Guest, protocol: str) -> str:
    """`kdig` over TLS and over HTTPS, checked with the authority that is in everybody's profile."""
    profile = pages.file(guest.cast.browser(guest.who), "/en/account/openvpn/se-sto-udp.ovpn")
    authority = re.search(r"<ca>\n(.*?)</ca>", profile, re.DOTALL)
    assert authority
    guest.person.write("/run/authority.crt", authority.group(1))
    with guest.by(protocol) as person:
        leaves_by(guest.cast, guest.who, "se-sto")
        for how in ("+tls", "+https"):
            words = ["kdig", "+time=4", "+retry=1", how, "+tls-ca=/run/authority.crt"]
            words += ["+tls-hostname=dns.tyst.test", "@10.0.0.1", "echo.test"]
            said = person.host.run(words, check=False, timeout=30).stdout
            expect("status: NOERROR" in said, f"kdig {how}: {said[-200:]}")
    return "DNS over TLS and HTTPS, certificate checked"


def streaming(guest: Guest, protocol: str) -> str:
    """On: a listed name leads out by the streaming address, another as before. Off: both as before."""
    streams = POOLS["se-sto"]["streaming"].split()[0]
    guest.setting("streaming", True)
    try:
        with guest.by(protocol, fresh=True) as person:
            leaves_by(guest.cast, guest.who, "se-sto")
            wait_until(lambda: _seen(person, "film.test") == streams, within=PATIENCE, what="the streaming address")
            expect(is_exit("se-sto", person.address()), "what isn't listed leaves by another address")
    finally:
        guest.setting("streaming", False)
    with guest.by(protocol, fresh=True) as person:
        leaves_by(guest.cast, guest.who, "se-sto")
        expect(is_exit("se-sto", _seen(person, "film.test")), "off, and the listed name leaves otherwise")
    return f"on: film.test by {streams}; off: as everything"


def _seen(person: Person, name: str) -> str:
    words = ["curl", "-s", "-4", "-m", "8", f"http://{name}/"]
    return person.host.run(words, check=False, timeout=20).stdout.strip()
