"""Leaving, a little or for good: disconnect all devices, re-key, delete the account."""

from datetime import UTC, date

from django.http import HttpResponse

from tyst.core.account import is_live
from tyst.core.owner import OWNER
from tyst.payments.provider import PaymentError
from tyst.records import erase
from tyst.records.models import Account
from tyst.site import sentences, sessions
from tyst.site.gate_client import GateError
from tyst.site.pages import renewal
from tyst.site.pages.account import overview_context
from tyst.site.pages.common import (
    allows,
    customer,
    page,
    refused,
    rekeyed,
    secret,
    shown_session,
    signed_in,
    visitor,
)
from tyst.site.services import SiteRequest


@allows("POST")
@signed_in
def disconnect(request: SiteRequest) -> HttpResponse:
    """Drops all of her devices; they may come back at once."""
    try:
        dropped = request.services.gate.drop(shown_session(request))
    except GateError:
        return refused(request, "account.html", {"devices": sentences.GATE_AWAY}, overview_context(request))
    return page(request, "account.html", {**overview_context(request), "dropped": dropped})


@allows("GET", "POST")
@signed_in
def rekey(request: SiteRequest) -> HttpResponse:
    """Signs out everywhere and disconnects all, for good: every config, credential and code opens nothing any more."""
    if request.method != "POST":
        return page(request, "rekey.html")
    account, _session = customer(request)
    _drop_now(request)
    return rekeyed(request, account, why="rekeyed")


@allows("GET", "POST")
@signed_in
def delete(request: SiteRequest) -> HttpResponse:
    """Says what is lost, to the day, and asks once."""
    account, _session = customer(request)
    shop = request.services.shop
    context = {"lost": _days_lost(request, account), "until": account.subscription}
    context |= {"shop_open": shop.open, "renewing": bool(shop.renewing)}
    if request.method != "POST":
        return page(request, "delete.html", context)
    services, place = request.services, visitor(request)
    if services.limits.signins.spent(place):
        return refused(request, "delete.html", {"password": sentences.TOO_MANY}, context)
    if not services.passwords.check(account.password, secret(request, "password")):
        services.limits.signins.take(place)
        return refused(request, "delete.html", {"password": sentences.PASSWORD_WRONG}, context)
    if not _mandates_end(request, account) and "anyway" not in request.POST:
        return refused(request, "delete.html", {"mandate": sentences.MANDATE_LEFT}, context)
    return _deleted(request, account)


def _mandates_end(request: SiteRequest, account: Account) -> bool:
    """Nothing may charge somebody who is gone; False when a processor can't be reached just now."""
    try:
        renewal.stop(request, account)
    except PaymentError:
        return False
    return True


def _days_lost(request: SiteRequest, account: Account) -> int:
    today = request.services.now().astimezone(UTC).date()
    if account.subscription is None or not is_live(account.subscription, today):
        return 0
    last: date = account.subscription.astimezone(UTC).date()
    return (last - today).days + 1


def _deleted(request: SiteRequest, account: Account) -> HttpResponse:
    _drop_now(request)
    services = request.services
    erase.delete_account(account.handle, services.keys.secrets[OWNER], services.now())
    request.account = request.session = None
    response = page(request, "gone.html")
    sessions.drop_cookies(response)
    return response


def _drop_now(request: SiteRequest) -> None:
    """Frees the slots at once where the gate can be reached; nodes end the tunnels at their next renewal anyway."""
    try:
        request.services.gate.drop(shown_session(request))
    except GateError:
        return
