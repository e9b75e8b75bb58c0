"""The card fields: from where the buyer's browser loads them, and what the page that shows them may load at all.

Braintree's script puts frames of Braintree's own into our page: the card is typed there and never reaches us or our
page's script. The page's Content-Security-Policy names exactly the hosts that the inventory declares for the
operator's environment (`[[host]]`). Braintree's analytics and device fingerprinting (`client-analytics.*`,
`c.paypal.com`) are left out on purpose: the browser blocks them, and the fields work without. Counterparts:
`site/frontend/card.ts`, `site/middleware.py`.

Source: https://developer.paypal.com/braintree/docs/guides/client-sdk/setup/javascript/v3 (Content Security Policy).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tyst.payments.config import ConfigError
from tyst.payments.provider import Checkout
from tyst.records.inventory import inventory

VERSION = "3.144.0"
"""Of Braintree's JavaScript: a version's files don't change."""
SCRIPTS = f"https://js.braintreegateway.com/web/{VERSION}/js"
NAME, SECURE = "braintree", "3-D Secure"
ENVIRONMENTS = ("production", "sandbox")
_OWN = re.compile(r"(https://localhost:\d+) (http://localhost:\d+) (/\S+)")


@dataclass(frozen=True, slots=True)
class Page:
    """What the card page loads. `allow`: origins by directive."""

    scripts: str
    allow: Mapping[str, Sequence[str]]
    three_d_secure: bool

    def checkout(self, token: str, amount: str) -> Checkout:
        """What the page's script is told. `verify`: the amount that the buyer's bank shows her under 3-D Secure."""
        lines = (("verify", amount),) if self.three_d_secure else ()
        return Checkout("card", url=self.scripts, lines=lines, token=token, allow=self.allow)


@dataclass(frozen=True, slots=True)
class Where:
    """Which gateway. `own`: address and authority file of the lab's, or nothing."""

    name: str
    own: tuple[str, ...] = field(default=(), repr=False)


def places(environment: str, *, three_d_secure: bool) -> tuple[Where, Page]:
    """Gateway and page for the operator's answer: production, sandbox, or the lab's three words (`setup.py`)."""
    if environment in ENVIRONMENTS:
        allow = inventory().origins(NAME, environment, *([SECURE] if three_d_secure else []))
        return Where(environment), Page(SCRIPTS, allow, three_d_secure)
    own = _OWN.fullmatch(environment)
    if own is None:
        raise ConfigError("braintree: environment is neither production nor sandbox")
    allow = dict.fromkeys(("script-src", "frame-src", "connect-src"), (own[2],))
    return Where("own", (own[1], own[3])), Page(f"{own[2]}/web/{VERSION}/js", allow, three_d_secure)
