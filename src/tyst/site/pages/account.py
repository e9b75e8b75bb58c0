"""The account page: her 21 fields under the policy's names, and vouchers. The gate is asked for `devices`."""

from datetime import date, datetime
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from tyst.core.account import FIELDS, is_live
from tyst.core.owner import OWNER
from tyst.core.product import Product
from tyst.core.voucher import VoucherError
from tyst.records import accounts, reservations, vouchers
from tyst.records.inventory import inventory
from tyst.records.models import Account
from tyst.site import sentences, ways
from tyst.site.gate_client import GateError
from tyst.site.notices import of_account
from tyst.site.pages.common import allows, customer, page, refused, shown_session, signed_in, to_page, typed
from tyst.site.pages.public import devices_purpose
from tyst.site.services import SiteRequest


@allows("GET")
@signed_in
def overview(request: SiteRequest) -> HttpResponse:
    """All that is stored about her, and what she may do."""
    return page(request, "account.html", overview_context(request))


def overview_context(request: SiteRequest) -> dict[str, Any]:
    """What the account page shows."""
    account, _session = customer(request)
    devices = devices_now(request)
    return {
        "fields": [(name, field_text(account, name, devices), purpose(name)) for name in FIELDS],
        "devices": devices,
        "own_address": reservations.held_by(request.services.keys.secrets[OWNER], account),
        "notices": of_account(account, request.services),
        "live": is_live(account.subscription, request.services.now().date()),
        "addons": addons(account, request.services.now().date()),
        "shop_open": request.services.shop.open,
        "renewing": bool(request.services.shop.renewing),
    }


def addons(account: Account, today: date) -> list[tuple[str, datetime, bool, str]]:
    """(name, last day, whether it rests, what to buy) of the add-ons that run: without a subscription they rest."""
    resting = not is_live(account.subscription, today)
    held = [(product, getattr(account, product)) for product in (Product.MULTIHOP, Product.IPV4)]
    running = [(product, until) for product, until in held if is_live(until, today)]
    helps = {product: "subscription-12" if resting else f"{product}-12" for product, _until in running}
    return [(str(ways.PRODUCTS[product]), until, resting, helps[product]) for product, until in running]


def devices_now(request: SiteRequest) -> int | None:
    """The live count from the gate, or None when it can't be had now."""
    account, _session = customer(request)
    if not request.services.limits.gate.take(account.handle):
        return None
    try:
        return request.services.gate.devices(shown_session(request))
    except GateError:
        return None


def field_text(account: Account, name: str, devices: int | None) -> str:
    """A field as the policy prints it."""
    if name == "devices":
        return _("not known just now") if devices is None else str(devices)
    if name == "password":
        return _("stored hashed")
    value = getattr(account, name)
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(int(value)) if isinstance(value, bool) else str(value)


def purpose(name: str) -> str:
    """What a field is for, in the reader's language."""
    columns = (column for column in inventory().columns if (column.table, column.field) == ("account", name))
    return devices_purpose() if name == "devices" else _(next(columns).purpose)


@allows("GET", "POST")
@signed_in
def voucher(request: SiteRequest) -> HttpResponse:
    """Redeems a voucher, exactly once."""
    if request.method != "POST":
        return page(request, "voucher.html")
    account, _session = customer(request)
    code = typed(request, "code", 100)
    if not request.services.limits.vouchers.take(account.handle):
        return refused(request, "voucher.html", {"code": sentences.TOO_MANY}, {"code": code})
    try:
        vouchers.redeem(account.handle, code, request.services.now())
    except VoucherError:
        return refused(request, "voucher.html", {"code": sentences.VOUCHER_MISTYPED}, {"code": code})
    except vouchers.NoVoucherError:
        return refused(request, "voucher.html", {"code": sentences.VOUCHER_GONE}, {"code": code})
    except vouchers.NoAccountError:
        return to_page("signin")
    request.account = accounts.by_handle(account.handle)
    return page(request, "redeemed.html")
