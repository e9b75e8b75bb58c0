"""The words of law and data that the inventory may use: a closed part of the W3C Data Privacy Vocabulary (DPV 2.3).

`dpv:` are its own terms, `pd:` its kinds of personal data, `eu-gdpr:` the articles of Regulation (EU) 2016/679. A term
that isn't listed here is refused by `inventory.parse`; whoever needs another one looks it up first and adds it.

Sources: https://w3c.github.io/dpv/2.3/dpv, https://w3c.github.io/dpv/2.3/pd, https://w3c.github.io/dpv/2.3/legal/eu/gdpr
"""

from collections.abc import Mapping

VERSION = "2.3"
PREFIXES: Mapping[str, str] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
}

CONSENT, CONTRACT, LAW, INTEREST = (f"eu-gdpr:A6-1-{letter}" for letter in "abcf")
NOBODY = "dpv:NonPersonalData"
BASES = (CONSENT, CONTRACT, LAW, INTEREST, NOBODY)
"""Legal bases. The last one is none: what names nobody needs none."""

KINDS = frozenset(
    {
        NOBODY,
        "dpv:AnonymisedData",
        "dpv:PersonalData",
        "dpv:PseudonymisedData",
        "pd:Authenticating",
        "pd:BrowsingReferral",
        "pd:CommunicationsMetadata",
        "pd:Country",
        "pd:DeviceSoftware",
        "pd:EmailAddress",
        "pd:EmailContent",
        "pd:IPAddress",
        "pd:Language",
        "pd:Password",
        "pd:Preference",
        "pd:Purchase",
        "pd:ServiceConsumptionBehaviour",
        "pd:Tax",
        "pd:Transaction",
        "pd:UID",
        "pd:Username",
    }
)
"""What sort of data something is."""

ROLES = frozenset({"dpv:DataProcessor", "dpv:DataController", "dpv:PublicSectorBody", "dpv:ThirdParty"})
"""What a third party is: it acts for us, for itself, for a state, or is nobody in particular."""


def iri(term: str) -> str:
    """A term's whole name: `pd:Username` is https://w3id.org/dpv/pd#Username. KeyError for another prefix."""
    prefix, _, name = term.partition(":")
    return PREFIXES[prefix] + name
