"""A customer who has everything: her files, as the site gives them to her, and her way in by either protocol.

What `--all` tries features with. She has what a customer has: a browser, vouchers, stock programs on her machine; the
operator's own hand (vouchers, lists) is hers no more than anybody's. Counterpart: `features.py`, what is tried.
"""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from tyst.journey import pages
from tyst.journey.cast import Cast, Names
from tyst.journey.person import Person
from tyst.journey.report import expect
from tyst.lab.bringup import STATE
from tyst.lab.wait import wait_until

PROTOCOLS = ("WireGuard", "OpenVPN")
PATIENCE = 45.0
"""Seconds for what should take one: the machine may be busy. What must be quick is measured elsewhere."""


@dataclass
class Guest:
    """A customer at `who`'s machine. `files`: WireGuard configs of one key, by `name_of` what they are for."""

    cast: Cast
    who: str
    names: Names = field(init=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)
    credential: tuple[str, str] = field(default=("", ""), repr=False)

    def __post_init__(self) -> None:
        self.names = Names.fresh(self.who)

    @property
    def person(self) -> Person:
        """She at her machine."""
        return self.cast.people[self.who]

    def joins(self, *products: str) -> None:
        """Signs up, redeems a voucher for a month, and one for each add-on ('multihop', 'ipv4')."""
        browser = self.cast.browser(self.who)
        pages.sign_up(browser, self.names)
        pages.redeem(browser, self.cast.provider.vouchers(1)[0])
        for product in products:
            pages.redeem(browser, voucher_for(self.cast, product))

    def takes_files(self, preshared: bool = False) -> None:
        """Has her browser make one key, and saves a file of it for each server, way and face of the resolver."""
        browser = self.cast.browser(self.who)
        pages.begin_key(browser, preshared=preshared)
        faces = browser.attributes("#wireguard-dns option", "value")
        for node in ("se-sto", "de-fra"):
            self.files[node], self.files[f"{node} linux"] = pages.config(browser, node), pages.linux_config(browser)
        for number, face in enumerate(faces):
            self.files[f"face {number}"] = pages.config(browser, "se-sto", dns=face)
        with contextlib.suppress(Exception):  # told when multihop is tried
            self.files["multihop"] = pages.config(browser, "se-sto", entry="de-fra")
        self.credential = pages.credential(browser)

    def setting(self, name: str, on: bool) -> None:
        """Sets one check box of her settings."""
        pages.setting(self.cast.browser(self.who), name, on)

    @contextmanager
    def wireguard(self, file: str = "se-sto") -> Iterator[Person]:
        """`wg-quick up` with one of her files, until the block ends."""
        expect(file in self.files, f"the site gave her no file for {file}")
        interface = pages.interface_of(self.files[file])
        self.person.wireguard_up(self.files[file], interface)
        try:
            yield self.person
        finally:
            self.person.wireguard_down(interface)

    @contextmanager
    def openvpn(self, path: str = "/en/account/openvpn/se-sto-udp.ovpn", *options: str) -> Iterator[Person]:
        """`openvpn` with one of the site's profiles and her credential, until the block ends."""
        with self.profiled(self.profile(path), *options) as person:
            yield person

    def profile(self, path: str) -> str:
        """One of the site's profiles."""
        text = pages.file(self.cast.browser(self.who), path)
        expect("remote " in text, "the site gave her no profile")
        return text

    @contextmanager
    def profiled(self, profile: str, *options: str) -> Iterator[Person]:
        """`openvpn` with a profile that she has already."""
        client = self.person.openvpn_up(profile, *self.credential, *options)
        try:
            yield self.person
        finally:
            client.end()

    def by(self, protocol: str, node: str = "se-sto", *, fresh: bool = False) -> AbstractContextManager[Person]:
        """A plain tunnel of either protocol. `fresh`: by a key that no node has open, so that new settings count."""
        if fresh and protocol == "WireGuard":
            self.disconnects_all()
            browser = self.cast.browser(self.who)
            pages.begin_key(browser)
            self.files["fresh"] = pages.config(browser, node)
            return self.wireguard("fresh")
        return self.wireguard(node) if protocol == "WireGuard" else self.openvpn(f"/en/account/openvpn/{node}-udp.ovpn")

    def disconnects_all(self) -> None:
        """The button on her account page: every place is free again."""
        pages.disconnect_all(self.cast.browser(self.who))

    def devices(self) -> int | None:
        """What her account page says."""
        return pages.devices_or_none(self.cast.browser(self.who))


def voucher_for(cast: Cast, product: str) -> str:
    """A voucher for an add-on, from the operator."""
    out = cast.provider.operator("voucher", "issue", "--for", product, "--days", "30", "--count", "1", "--state", STATE)
    return out.split()[-1]


def opens(person: Person, what: str = "the tunnel to open") -> str:
    """Waits until the internet hears her; the IPv4 address by which it does."""
    return wait_until(person.address, within=PATIENCE, what=what)
