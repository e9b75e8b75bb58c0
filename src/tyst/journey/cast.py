"""Who takes part in a journey: a lab with a provider, people at their machines, and Alice's browser.

Everything that the steps share, and nothing of what they check. `Names` are what she types; the proof gives marked
ones.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tyst.journey.browser import Browser
from tyst.journey.person import OpenVpn, Person
from tyst.journey.report import Report
from tyst.lab.bringup import SITE_URL, Provider
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.topology import CLIENTS
from tyst.lab.wireguard import wg_show


@dataclass(frozen=True)
class Names:
    """What a customer types: her account's name and password."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def fresh(cls, who: str) -> "Names":
        """A name nobody has, and a password nobody guesses."""
        return cls(f"{who}-{secrets.token_hex(5)}", secrets.token_urlsafe(18))


@dataclass
class Cast:
    """A journey's lab, provider, people and report; `files` and `tunnels` are what the steps leave for later ones."""

    lab: Lab
    provider: Provider
    report: Report
    alice_names: Names = field(default_factory=lambda: Names.fresh("alice"))
    files: dict[str, str] = field(default_factory=dict)
    credential: tuple[str, str] = ("", "")
    peers_before: list[str] = field(default_factory=list)
    openvpns: dict[str, OpenVpn] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.people = {name: Person(self.lab[name]) for name in CLIENTS}

    @property
    def alice(self) -> Person:
        """Alice at her own machine."""
        return self.people["alice"]

    def browser(self, who: str, user_agent: str = "") -> Browser:
        """A person's browser, opened at first use."""
        if who not in self.browsers:
            pins = (self.lab.site.spki(),) if self.lab.site else ()
            self.browsers[who] = Browser(self.lab[who], SITE_URL, *pins, user_agent=user_agent)
        return self.browsers[who]

    def close_browser(self, who: str) -> None:
        """Closes a person's window; its cookies are gone."""
        self.browsers.pop(who).close()

    def close_browsers(self) -> None:
        """Closes every window."""
        for who in tuple(self.browsers):
            self.close_browser(who)

    def node(self, name: str) -> Host:
        """A node's host."""
        return self.lab[name]

    def peers(self, node: str) -> list[str]:
        """The public keys that a node's WireGuard holds now, by `wg show`."""
        return wg_show(self.node(node), "peers").split()

    def witnesses(self, name: str) -> list[str]:
        """Which resolvers asked the internet for a name."""
        answer = self.lab["web"].run(["curl", "-s", "-m", "5", f"http://echo.test/resolvers?name={name}"]).stdout
        found: list[str] = json.loads(answer)["resolvers"]
        return found


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Seconds since the block began."""
    began = time.monotonic()
    yield lambda: time.monotonic() - began


def forms_of_key(key: str) -> list[str]:
    """How a base64 key could appear in a request: itself, URL-encoded, base64url, hex."""
    raw = base64.b64decode(key)
    return [
        key,
        key.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
        base64.urlsafe_b64encode(raw).decode(),
        raw.hex(),
    ]
