"""Elements of the firewall's collections from texts, for tests of the ruleset."""

from collections.abc import Iterable
from ipaddress import ip_address

from tyst.core.firewall import EGRESS6, GARDEN6, OPEN4, OPEN6, Element


def elements(
    open4: Iterable[str] = (), open6: Iterable[str] = (), egress6: Iterable[str] = (), garden6: Iterable[str] = ()
) -> dict[str, list[Element]]:
    """What `Ruleset.text` takes."""
    given = ((OPEN4, open4), (OPEN6, open6), (EGRESS6, egress6), (GARDEN6, garden6))
    return {one.name: [Element(ip_address(text).packed) for text in texts] for one, texts in given}
