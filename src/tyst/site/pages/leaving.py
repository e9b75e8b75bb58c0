"""Leaving, a little or for good: disconnect all devices, re-key, delete the account."""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from typing import Any

from django.http import HttpResponse

from tyst.core.account import is_live
from tyst.core.product import Product
from tyst.payments.settling import Outcome
from tyst.records.models import Account
from tyst.site import holdings, parting, sentences, sessions, ways
from tyst.site.gate_client import GateError
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
    typed,
    visitor,
)
from tyst.site.pages.refund import FAULTS
from tyst.site.services import SiteRequest

REFUND_DAYS = 10
Errors = Mapping[str, str]


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
    parting.drop(request.services, account)
    return rekeyed(request, account, why="rekeyed")


@allows("GET", "POST")
@signed_in
def delete(request: SiteRequest) -> HttpResponse:
    """Says what is lost, to the day, and asks once."""
    account, _session = customer(request)
    if request.method != "POST":
        return page(request, "delete.html", losses(request, account))
    return deleted(request, account, losses(request, account), password_errors)


def losses(request: SiteRequest, account: Account) -> dict[str, Any]:
    """What the deletion page shows: what is lost and to which day, and whether money may still come back."""
    services, today = request.services, parting.today(request.services)
    lost = []
    for product in (Product.SUBSCRIPTION, Product.MULTIHOP, Product.IPV4):
        until = getattr(account, product)
        if is_live(until, today):
            last = until.astimezone(UTC).date()
            lost.append((product, ways.PRODUCTS[product], (last - today).days + 1, last))
    young = services.now() - account.created_at < timedelta(days=REFUND_DAYS)
    shop = services.shop
    words = {"lost": lost, "young": young, "shop_open": shop.open, "renewing": bool(shop.renewing)}
    words["paying"] = bool(holdings.orders(services, account))
    return words | {"refund": typed(request, "refund", 400).strip(), "leaver": account}


def password_errors(request: SiteRequest, account: Account) -> Errors:
    """Whether the password is hers: nothing else is asked, and nothing else counts."""
    services, place = request.services, visitor(request)
    if services.limits.signins.spent(place):
        return {"password": sentences.TOO_MANY}
    if services.passwords.check(account.password, secret(request, "password")):
        return {}
    services.limits.signins.take(place)
    return {"password": sentences.PASSWORD_WRONG}


def deleted(
    request: SiteRequest, account: Account, context: Mapping[str, Any], proof: Callable[[SiteRequest, Account], Errors]
) -> HttpResponse:
    """Deletes the account, once its owner has shown that it is hers; her money comes first, where she gave the code."""
    errors = proof(request, account) or _money_first(request, account)
    if not errors and not parting.mandates_end(request.services, account) and "anyway" not in request.POST:
        errors = {"mandate": sentences.MANDATE_LEFT}
    if errors:
        return refused(request, "delete.html", errors, context)
    cleared = parting.part(request.services, account)
    request.account = request.session = None
    response = page(request, "gone.html", {"listed": not cleared})
    sessions.drop_cookies(response)
    return response


def _money_first(request: SiteRequest, account: Account) -> Errors:
    """Gives the first purchase back by the code from its receipt; nothing is deleted when that fails."""
    code = typed(request, "refund", 400).strip()
    if not code:
        return {}
    if not request.services.limits.vouchers.take(account.handle):
        return {"refund": sentences.TOO_MANY}
    outcome = request.services.shop.settler.refund(code, account)
    if outcome in FAULTS and outcome is not Outcome.AGAIN:
        return {"refund": FAULTS[outcome]}
    return {}
