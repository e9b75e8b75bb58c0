"""The account's notices in the reader's language: on the account page, and for clients as JSON."""

from django.utils.translation import gettext as _

from tyst.core.notices import Code, Notice, notices
from tyst.core.product import Product
from tyst.records.models import Account
from tyst.site.services import Services


def of_account(account: Account, services: Services) -> list[dict[str, str]]:
    """What to tell her today: code, product, day and a sentence, in the language that is active."""
    expiries = {product: getattr(account, product) for product in Product}
    return [_told(one) for one in notices(expiries, services.now().date())]


def _told(notice: Notice) -> dict[str, str]:
    return {
        "code": notice.code.value,
        "product": notice.product.value,
        "day": str(notice.day),
        "text": _sentence(notice).format(day=notice.day, addon=_name(notice.product)),
    }


def _sentence(notice: Notice) -> str:
    if notice.code is Code.RENEWAL_DUE:
        return _("Your subscription runs to the end of {day} (UTC). Add time before then to go on without a gap.")
    if notice.code is Code.ENDED:
        return _("Your subscription ended with {day} (UTC). Your account stays as it is; add time to connect again.")
    if notice.code is Code.SUSPENDED:
        return _(
            "{addon} is paid to the end of {day} (UTC) and rests, because there is no subscription to use it with."
        )
    return _("{addon} runs to the end of {day} (UTC), and ends before your subscription does.")


def _name(product: Product) -> str:
    return _("Public IPv4") if product is Product.IPV4 else _("Multihop")
