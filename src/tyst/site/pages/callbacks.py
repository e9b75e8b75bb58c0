"""The processors' door: `POST /pay/NAME/…`, outside languages and the rule for our own pages. Answers without a word.

A processor tells again what is not answered with 200, so 200 means that everything it told is settled or never will
be; a forged telling gets 403, one that we can't act on now 503. Nothing of a request stands in an answer, a log or an
error. Counterparts: each provider's `hear` proves a callback, `payments.settling` acts on it.
"""

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpResponse, UnreadablePostError

from tyst.payments.provider import Callback, ForgedError, PaymentError
from tyst.site.services import SiteRequest

SETTLED, UNREADABLE, FORGED, UNKNOWN, NOT_SO, TOO_BIG, LATER = 200, 400, 403, 404, 405, 413, 503


def callback(request: SiteRequest, name: str, rest: str = "") -> HttpResponse:
    """Hears one callback."""
    if request.method != "POST":
        return HttpResponse(status=NOT_SO, headers={"Allow": "POST"})
    return HttpResponse(status=_heard(request, name, rest))


def _heard(request: SiteRequest, name: str, rest: str) -> int:
    """How it is answered."""
    shop = request.services.shop
    provider = shop.providers.get(name)
    if provider is None:
        return UNKNOWN
    try:
        told = Callback(rest, {key.lower(): value for key, value in request.headers.items()}, request.body)
        shop.settler.hear(provider, told)
    except RequestDataTooBig:
        return TOO_BIG
    except UnreadablePostError:
        return UNREADABLE
    except ForgedError:
        return FORGED
    except (PaymentError, DatabaseError):
        return LATER
    return SETTLED
