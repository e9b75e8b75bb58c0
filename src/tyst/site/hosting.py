"""What the operator says of herself and her machines, which no program can show: `hosting.toml` in the state folder.

Where the site's machine stands, how to reach a person, and which of a closed list of promises she makes. The privacy
policy prints them as promised, apart from what the program shows by tests. What she doesn't say, the policy doesn't.
Counterparts: `pages/policy.py`, docs/operate/inventory.md.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

FILE = "hosting.toml"
PROMISES: Mapping[str, Any] = {
    "site-owned": _("Our website runs on a machine that we own."),
    "no-disks": _("Our VPN servers run without any disk: what they hold is in memory and gone when they lose power."),
    "no-system-logs": _("System logs are off on our VPN servers."),
    "no-console": _("Our VPN servers take no console, no keyboard and no USB device."),
}
"""By the words of the file, what they promise. The operator owns it; the sentence says what it is."""


class HostingError(ValueError):
    """The file can't be used. Says what to mend."""


@dataclass(frozen=True)
class Hosting:
    """`place`: the town of the site's machine; `contact`: a mail address or page where a person answers; "" unsaid."""

    place: str = ""
    contact: str = ""
    promises: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """What is promised, in the reader's language."""
        return [str(sentence) for name, sentence in PROMISES.items() if name in self.promises]


def load(state: Path) -> Hosting:
    """What this state folder's operator says; nothing without the file. HostingError."""
    try:
        said = tomllib.loads((state / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return Hosting()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise HostingError(f"{FILE} can't be read: it is no TOML") from None
    promises = said.pop("promises", [])
    place, contact = said.pop("place", ""), said.pop("contact", "")
    if said or not isinstance(place, str) or not isinstance(contact, str):
        raise HostingError(f"{FILE} holds `place`, `contact` (texts) and `promises`, and nothing else")
    if not isinstance(promises, list) or not set(map(str, promises)) <= set(PROMISES):
        raise HostingError(f"{FILE}: promises are some of {', '.join(PROMISES)}")
    return Hosting(place.strip(), contact.strip(), tuple(map(str, promises)))
