"""Kinds of lists, and the words and host names of the resolver's faces: what also those know who know no address.

The faces themselves, with their addresses, are in `core.faces`; the lists in `core.lists`.
"""

UNWANTED = ("malware", "ads", "trackers")
GROWN_UP = ("adult", "gambling")
STREAMING = "streaming"
KINDS = (*UNWANTED, *GROWN_UP, STREAMING)
"""The kinds of lists, in the order in which a bundle holds them."""

LABELS = {"plain": "dns", "clean": "clean.dns", "family": "family.dns"}
"""The first part of each face's host name, by its word."""


def names_of(site: str) -> tuple[str, ...]:
    """The faces' host names below the site's, in order: what their certificate is made for. None without a site."""
    return tuple(f"{label}.{site}" for label in LABELS.values()) if site else ()
