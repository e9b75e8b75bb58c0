"""People of the blind proof: each with an address of her own, two devices, and a browser that calls the site's door."""

import json
import os
import random
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from tyst.core.tags import tag_of
from tyst.core.wireguard.addresses import address4, address6
from tyst.core.wireguard.config import key_bytes, key_text
from tyst.proof.worlds.device import Device
from tyst.proof.worlds.people import Answer, Browser
from tyst.site.possession import answer

DEVICES = 2
PASSPHRASE = "a quiet passphrase of "  # noqa: S105 - people made up for the proof


class Visitor(Browser):
    """A browser at an address."""

    def __init__(self, door: Any, address: str) -> None:
        super().__init__(door)
        self._address = address

    def _environ(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        return {**super()._environ(method, path, body), "REMOTE_ADDR": self._address}


@dataclass
class Person:
    """Somebody. `handle` is read from the database afterwards, for the truth."""

    name: str
    address: IPv4Address = field(repr=False)
    devices: tuple[Device, ...] = field(repr=False)

    @property
    def truth(self) -> dict[str, Any]:
        """What the challenger knows and no attacker is told."""
        keys = [device.public for device in self.devices]
        tunnels = [[str(address4(key)), str(address6(key))] for key in keys]
        return {
            "name": self.name,
            "address": str(self.address),
            "tags": [tag_of(key).hex() for key in keys],
            "keys": [key.hex() for key in keys],
            "tunnels": tunnels,
        }


def cast(count: int) -> list[Person]:
    """People with names and addresses that say nothing of each other, in no order."""
    made = []
    for _ in range(count):
        street = 0x64400000 + random.SystemRandom().randrange(1 << 22)
        devices = tuple(Device(os.urandom(32)) for _ in range(DEVICES))
        made.append(Person(f"p{os.urandom(6).hex()}", IPv4Address(street), devices))
    return made


def sign_up(door: Any, who: Person, code: str) -> Visitor:
    """A new account, paid with a voucher."""
    return signed_up(Visitor(door, str(who.address)), who, code)


def signed_up(browser: Visitor, who: Person, code: str) -> Visitor:
    """The same in this browser."""
    words = {"username": who.name, "password": PASSPHRASE + who.name, "currency": "EUR", "country": "se"}
    browser.post("/en/signup", words)
    browser.post("/en/account/voucher", {"code": code})
    return browser


def register(browser: Visitor, device: Device) -> Answer:
    """A device's public key, with the proof that its private half is there."""
    asked = json.loads(browser.get("/en/account/wireguard/challenge").body)
    proof = answer(device.private, key_bytes(asked["key"]), device.public).hex()
    words = {"action": "register", "public_key": key_text(device.public), "challenge": asked["challenge"]}
    return browser.post("/en/account/wireguard", {**words, "proof": proof})
