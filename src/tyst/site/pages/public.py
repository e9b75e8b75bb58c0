"""Pages for everybody: the start, the network, and static files. They know no account. The policy is `policy.py`'s."""

from collections.abc import Sequence
from itertools import groupby

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from tyst.records import places
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


def devices_purpose() -> str:
    """What `devices` is for: the one field that the inventory's columns don't hold."""
    return _("How many devices you have connected now. Not stored: the gate is asked when you look.")


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
