"""Pages for everybody: the start, the network, the privacy policy, and static files. They know no account."""

from collections.abc import Sequence
from itertools import groupby

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from tyst.core.account import FIELDS
from tyst.records import places
from tyst.records.inventory import Column, inventory
from tyst.records.places import PublicNode
from tyst.site.pages.common import allows, page
from tyst.site.services import SiteRequest

FOREVER = "public, max-age=31536000, immutable"


@allows("GET")
def start(request: SiteRequest) -> HttpResponse:
    """What Tyst is."""
    return page(request, "start.html", {"cities": cities(places.public_nodes())})


@allows("GET")
def network(request: SiteRequest) -> HttpResponse:
    """Every city and server, and whether we own it."""
    return page(request, "network.html", {"cities": cities(places.public_nodes())})


def cities(nodes: Sequence[PublicNode]) -> list[tuple[str, str, list[PublicNode]]]:
    """(country, city, its nodes), in the nodes' order."""
    return [(*place, list(group)) for place, group in groupby(nodes, key=lambda node: (node.country, node.city))]


@allows("GET")
def privacy(request: SiteRequest) -> HttpResponse:
    """The policy, from the inventory: what is stored, set, sealed and held in RAM."""
    everything = inventory()
    context = {
        "account_fields": _account_fields(everything.columns),
        "tables": _other_tables(everything.columns),
        "files": [(one.name, _(one.what), _(one.purpose), _(one.lifetime)) for one in everything.files],
        "cookies": [(one.name, _(one.purpose), _(one.lifetime)) for one in everything.cookies],
        "sealed": [(_(one.purpose), _(one.holder), _(one.lifetime)) for one in everything.sealed],
        "memory": [(_(one.what), _(one.purpose), _(one.lifetime)) for one in everything.memory],
        "outgoing": [(_(one.receiver), _(one.what), _(one.purpose), _(one.when)) for one in everything.outgoing],
    }
    return page(request, "privacy.html", context)


Row = tuple[str, str, str, str]


def _account_fields(columns: Sequence[Column]) -> list[Row]:
    """(field, purpose, precision, lifetime) in the policy's order; `devices` stands in its place without a column."""
    found = {column.field: column for column in columns if column.table == "account"}
    return [_account_field(name, found.get(name)) for name in ("handle", *FIELDS)]


def _account_field(name: str, column: Column | None) -> Row:
    if column is None:
        return name, devices_purpose(), _("0 to 4, never written"), _("90 seconds unless renewed")
    return name, _(column.purpose), _(column.precision), _(column.lifetime)


def devices_purpose() -> str:
    """What `devices` is for: the one field that the inventory's columns don't hold."""
    return _("How many devices you have connected now. Not stored: the gate is asked when you look.")


def _other_tables(columns: Sequence[Column]) -> list[tuple[str, str, list[str], str]]:
    """(table, purpose, its fields, lifetime) of every table but the account."""
    others = [column for column in columns if column.table != "account"]
    grouped = groupby(others, key=lambda column: (column.table, column.purpose, column.lifetime))
    return [(table, _(purpose), [one.field for one in group], _(life)) for (table, purpose, life), group in grouped]


@allows("GET")
def static(request: SiteRequest, digest: str, name: str) -> HttpResponse:
    """A file that may be kept for good."""
    found = request.services.assets.find(digest, name)
    if found is None:
        raise Http404
    return HttpResponse(found.body, content_type=found.type, headers={"Cache-Control": FOREVER})


@allows("GET")
def favicon(request: SiteRequest) -> HttpResponse:
    """For browsers that ask without reading the page."""
    digest = request.services.assets.url("logo.svg").split("/")[2]
    return static(request, digest, "logo.svg")
