"""The provider that all findings are tried on: a lab, its rooms as processes, customers out of thin air, and a node's
rules in the hand of whoever wants to see an attack work without one of them.

Customers are written as the site would write them, with the site's own keys (as `tyst.journey.crowd` does), because a
hundred can't sign up one by one. Whatever is changed on a node is put back by the same call, rule by rule, so that the
node's own memory of its sets stays true.
"""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.findings.account import Account
from tests.findings.clerk import packed, unpacked
from tests.findings.device import Device
from tyst.core import keyring
from tyst.core.rounding import extended, month_of, nearest_hour
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import Credential, KeyRecord, Session, credential_pair, seal_token, to_text
from tyst.core.wireguard.addresses import tunnel_addresses
from tyst.core.wireguard.config import Config
from tyst.core.wireguard.config import to_text as config_text
from tyst.journey.crowd import ACCOUNT
from tyst.journey.person import OpenVpn, Person
from tyst.lab.bringup import STATE, Provider
from tyst.lab.environment import PROJECT
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.wireguard import wg_show

if TYPE_CHECKING:
    from tests.findings.visitor import Visitor

NODE, OTHER = "se-sto", "de-fra"
TABLE = ("inet", "tyst")


@dataclass
class Customer:
    """An account; `devices` are private keys, registered in its name."""

    handle: bytes = field(repr=False)
    name: str
    devices: list[bytes] = field(default_factory=list, repr=False)
    session: str = field(default="", repr=False)
    credential: tuple[str, str] = field(default=("", ""), repr=False)


class RefusedError(Exception):
    """The records refused a statement. Its text is the class of SQLite's error."""


class World:
    """The lab and the provider in it. `visitor`: who came first of all (see `visitor.py`)."""

    visitor: "Visitor"

    def __init__(self, lab: Lab) -> None:
        self.lab, self.provider = lab, Provider(lab)
        self.provider.make_fleet()
        self.provider.start_gate()
        self.provider.start_site()
        self.provider.start_node(NODE)
        self.provider.start_node(OTHER, "--strict")
        self.untouched = {name: rules_of(lab[name]) for name in (NODE, OTHER)}

    @property
    def node(self) -> Host:
        """The node that most attacks are tried on."""
        return self.lab[NODE]

    @property
    def other(self) -> Host:
        """The node in the strict profile (inner flows end with their tunnel)."""
        return self.lab[OTHER]

    @property
    def control(self) -> Host:
        """The host of site, gate and database."""
        return self.provider.control

    # --- records ------------------------------------------------------------------------------------------------

    @property
    def state(self) -> Path:
        """The control host's state folder, from outside."""
        return self.control.root / STATE.lstrip("/")

    @cached_property
    def site_keys(self) -> keyring.Keyring:
        """The site's keyring."""
        return keyring.from_text((self.state / "site.keys").read_bytes(), room="site")

    @cached_property
    def _clerk(self) -> "subprocess.Popen[str]":
        words = [sys.executable, "-m", "tests.findings.clerk", f"{STATE}/records.sqlite3"]
        environment = {"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
        return self.control.popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What another process of the operator's would do to the records. RefusedError with SQLite's class of error."""
        clerk = self._clerk
        assert clerk.stdin is not None and clerk.stdout is not None
        clerk.stdin.write(json.dumps([statement, [packed(value) for value in values]]) + "\n")
        clerk.stdin.flush()
        answer = json.loads(clerk.stdout.readline())
        if "error" in answer:
            raise RefusedError(answer["error"])
        return [tuple(unpacked(value) for value in row) for row in answer["rows"]]

    def customer(self, devices: int = 1, *, paid: bool = True) -> Customer:
        """A new account, with so many registered keys."""
        return self.customers(1, devices, paid=paid)[0]

    def customers(self, count: int, devices: int = 1, *, paid: bool = True) -> list[Customer]:
        """The same, many at once."""
        made = [self._signed_up(paid) for _ in range(count)]
        for one in made:
            self.register(one, *(os.urandom(32) for _ in range(devices)))
        return made

    def _signed_up(self, paid: bool) -> Customer:
        now = datetime.now(UTC)
        handle, hour = os.urandom(16), nearest_hour(now).strftime("%Y-%m-%d %H:%M:%S")
        expiry = extended(None, days=30, today=now.date()).strftime("%Y-%m-%d %H:%M:%S") if paid else None
        name = f"crowd-{handle.hex()[:20]}"
        self.sql(ACCOUNT, handle, name, hour, hour, expiry)
        session = self._sealed(Session(handle, os.urandom(8)))
        return Customer(handle, name, [], to_text(session), credential_pair(self._sealed(Credential(handle))))

    def _sealed(self, token: Session | Credential) -> bytes:
        return seal_token(self.site_keys.seal, token, nonce=os.urandom(12), now=int(time.time()))

    def register(self, one: Customer, *privates: bytes) -> None:
        """Writes key records, as the site does."""
        for private in privates:
            public = public_of(private)
            self.sql("INSERT INTO key_record VALUES (?, ?, ?)", *self.record(one.handle, public))
            one.devices.append(private)

    def record(self, handle: bytes, public: bytes) -> tuple[bytes, bytes, int]:
        """(tag, sealed record, last month) of a key."""
        month, tag = month_of(datetime.now(UTC), plus=24), tag_of(public)
        gate = self.site_keys.known["gate"]
        words: dict[str, Any] = {"tag": tag, "opener": opener_of(public), "gate_public": gate}
        blob = KeyRecord(handle, month).sealed(**words, nonce=os.urandom(12), now=int(time.time()))
        return tag, blob, month

    # --- devices ------------------------------------------------------------------------------------------------

    def public_key(self, node: str = NODE) -> bytes:
        """A node's WireGuard key."""
        return base64.b64decode(wg_show(self.lab[node], "public-key"))

    def device(self, who: str, private: bytes | None = None, node: str = NODE, **words: Any) -> Device:
        """A device on somebody's host, switched on and not yet connected; a new customer's by default."""
        private = private or self.customer().devices[0]
        return Device(self.lab[who], private, self.public_key(node), str(words.pop("at", self.lab[node].ipv4)), **words)

    @contextmanager
    def connected(self, who: str, private: bytes | None = None, node: str = NODE, **words: Any) -> Iterator[Device]:
        """A device with an open tunnel."""
        one = self.device(who, private, node, **words)
        try:
            assert one.connect(), "the node did not answer"
            yield one
        finally:
            one.close()

    def config(self, private: bytes, node: str = NODE) -> str:
        """The file that the site's page would offer for this key."""
        four, six = tunnel_addresses(public_of(private))
        return config_text(Config(node, private, four, six, self.public_key(node), self.lab[node].ipv4, 51820))

    @contextmanager
    def wireguard(self, who: str, private: bytes, node: str = NODE) -> Iterator[Person]:
        """Debian's `wg-quick` on somebody's host, with the file that the site's page offers."""
        person = Person(self.lab[who])
        person.wireguard_up(self.config(private, node), node)
        try:
            yield person
        finally:
            person.wireguard_down(node)

    @contextmanager
    def openvpn(
        self, who: str, one: Customer, node: str = NODE, login: tuple[str, str] | None = None
    ) -> Iterator[OpenVpn]:
        """Debian's openvpn on somebody's host, with the profile that the site hands out; a VPN credential by default."""
        profile = Account(self, one.session).get(f"/en/account/openvpn/{node}-udp.ovpn").text
        client = Person(self.lab[who]).openvpn_up(profile, *(login or one.credential))
        try:
            yield client
        finally:
            client.end()

    def tunnel_addresses(self, who: str, interface: str) -> tuple[IPv4Address, IPv6Address]:
        """The addresses that a stock client gave its interface."""
        text = self.lab[who].run(["ip", "-o", "addr", "show", "dev", interface, "scope", "global"]).stdout
        (four,), (six,) = (re.findall(rf"{family} (\S+)/", text) for family in ("inet", "inet6"))
        return IPv4Address(four), IPv6Address(six)

    def peers(self, node: str = NODE) -> set[bytes]:
        """The public keys that a node's WireGuard holds now."""
        text = wg_show(self.lab[node], "peers")
        return {base64.b64decode(line) for line in text.split()}


def hang_up(process: "subprocess.Popen[str]") -> None:
    """Closes the pipes to a process that has ended."""
    process.wait(10)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def public_of(private: bytes) -> bytes:
    """The public half of a key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


# --- a node's rules -------------------------------------------------------------------------------------------------


def rules_of(host: Host) -> str:
    """The node's chains without what changes by use: elements of sets, flood buckets' seed, the operator's blocks."""
    text = host.run(["nft", "-s", "list", "table", *TABLE]).stdout
    text = re.sub(r"\s*elements = \{[^}]*\}", "", text)
    text = re.sub(r"\tset vp_block\d+ \{[^}]*\}\n\n?|.*@vp_block\d+.*\n", "", text)
    return re.sub(r"seed 0x[0-9a-f]+", "seed", text)


def nft(host: Host, *lines: str) -> str:
    """Changes a node's rules behind its back."""
    return host.run(["nft", "-e", "-a", "-f", "-"], input="\n".join(lines) + "\n").stdout


def _rules(host: Host, chain: str, pattern: str) -> list[tuple[str, str]]:
    """(handle, text) of the rules that match; there must be some, for an attack on a rule that is gone proves nothing."""
    listed = host.run(["nft", "-s", "-a", "list", "chain", *TABLE, chain]).stdout
    lines = [line.strip().rpartition(" # handle ") for line in listed.splitlines()[2:]]
    found = [(handle, text) for text, _, handle in lines if re.search(pattern, text)]
    assert found, f"{chain} holds no rule like {pattern}"
    return found


@contextmanager
def replaced(host: Host, chain: str, pattern: str, by: Callable[[str], str], *, attack: bool = True) -> Iterator[None]:
    """The node with the rules of a chain that match a regular expression rewritten, for a moment.

    `attack`: what is asserted meanwhile is that an attack works, see `NotShown`.
    """
    found = _rules(host, chain, pattern)
    nft(host, *(f"replace rule inet tyst {chain} handle {handle} {by(text)}" for handle, text in found))
    try:
        with _shown(attack):
            yield
    finally:
        nft(host, *(f"replace rule inet tyst {chain} handle {handle} {text}" for handle, text in found))
        forget_flows(host)


def without(host: Host, chain: str, pattern: str, *, attack: bool = True) -> AbstractContextManager[None]:
    """The node without the rules of a chain that match, for a moment."""
    return replaced(host, chain, pattern, lambda _: "meta mark 0xdead drop", attack=attack)


class NotShown(AssertionError):
    """The attack did not work though our rule was away: a packet was lost on a busy machine, or the test proves nothing.

    Unlike a leak this may be tried once more (tools/test.sh).
    """


@contextmanager
def _shown(attack: bool) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        if not attack:
            raise
        raise NotShown(f"without our rule: {error}") from error


@contextmanager
def accepting(host: Host, *chains: str, rule: str = "accept") -> Iterator[None]:
    """The node with chains that begin by accepting everything (or as told), for a moment."""
    with ExitStack() as stack:
        for chain in chains:
            stack.enter_context(_inserted(host, chain, rule))
        yield


@contextmanager
def _inserted(host: Host, chain: str, rule: str) -> Iterator[None]:
    said = nft(host, f"insert rule inet tyst {chain} {rule}")
    handle = said.rpartition("# handle ")[2].strip()
    try:
        with _shown(attack=True):
            yield
    finally:
        nft(host, f"delete rule inet tyst {chain} handle {handle}")
        forget_flows(host)


def forget_flows(host: Host) -> None:
    """Empties connection tracking, so that what one setting let through does not go on under another."""
    host.run(["conntrack", "-F"], check=False)


@contextmanager
def sysctl(host: Host, **values: object) -> Iterator[None]:
    """The host with other settings of its network (`ipv4.conf.all.arp_ignore` and the like), for a moment."""
    before = {name: host.run(["sysctl", "-n", f"net.{name}"]).stdout.strip() for name in values}
    try:
        _set(host, values)
        yield
    finally:
        _set(host, before)


def _set(host: Host, values: Mapping[str, object]) -> None:
    host.run(["sysctl", "-qw", *(f"net.{name}={value}" for name, value in values.items())])


def every(host: Host, *commands: Sequence[str]) -> None:
    """Runs commands on a host, one after the other."""
    for words in commands:
        host.run(list(words))
