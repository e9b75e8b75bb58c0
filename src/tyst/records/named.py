"""Whom a court's order names: the account of one whole user name, or the accounts with one whole mail address.

Equality is all there is. No other column is compared, nothing is listed, and a part of a name finds nobody; a test
reads this file and `fleet/disclosure.py` and fails for anything more. Counterpart: `core.court.Request`.
"""

from django.db.models import Value
from django.db.models.functions import Lower

from tyst.core.court import Asked, Request
from tyst.records.models import Account


def named(request: Request) -> list[Account]:
    """The accounts that a disclosure names; none for other kinds of request. Capitals don't count."""
    if request.asked is not Asked.DISCLOSURE:
        return []
    if request.username:
        return list(Account.objects.filter(username=request.username))
    return sorted(Account.objects.alias(lower=Lower("email")).filter(lower=Lower(Value(request.email))), key=_name)


def _name(account: Account) -> str:
    return str(account.username).lower()
