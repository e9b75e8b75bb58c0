"""The node's firewall as one value: `ruleset.py` joins it, `collections.py` says what comes and goes with tunnels."""

from tyst.core.firewall.collections import COLLECTIONS, EGRESS6, GARDEN6, OPEN4, OPEN6, Collection, Element
from tyst.core.firewall.part import Part
from tyst.core.firewall.ruleset import (
    BUCKET_RATE,
    BUCKETS,
    GARDEN_DNS_PORT,
    GLOBAL_RATE,
    OPENVPN,
    TABLE,
    WIREGUARD,
    Ruleset,
    interface_name,
    limits,
    remove_text,
    reseed_text,
)
from tyst.core.firewall.sysctls import SYSCTLS, SYSCTLS_CLOSED, SYSCTLS_OPEN

__all__ = [
    "BUCKETS",
    "BUCKET_RATE",
    "COLLECTIONS",
    "EGRESS6",
    "GARDEN6",
    "GARDEN_DNS_PORT",
    "GLOBAL_RATE",
    "OPEN4",
    "OPEN6",
    "OPENVPN",
    "SYSCTLS",
    "SYSCTLS_CLOSED",
    "SYSCTLS_OPEN",
    "TABLE",
    "WIREGUARD",
    "Collection",
    "Element",
    "Part",
    "Ruleset",
    "interface_name",
    "limits",
    "remove_text",
    "reseed_text",
]
