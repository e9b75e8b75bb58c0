"""What the site's pages need from the world, chosen once in `wiring.py`: clock, randomness, keys, gate, limits.

Pages get it as `request.services` and reach for nothing else; tests hand in another. `SiteRequest` is Django's request
with these services and the customer who is signed in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

from tyst.core.keyring import Keyring
from tyst.core.metric import SITE_ANSWERS
from tyst.core.tokens import Session
from tyst.mail.bounces import Bounces
from tyst.mail.letters import Writer
from tyst.mail.outbox import Outbox
from tyst.quiet import process
from tyst.records.models import Account
from tyst.site.assets import Assets
from tyst.site.gate_client import Gate
from tyst.site.geo import GeoSource
from tyst.site.hosting import Hosting
from tyst.site.limits import Limits
from tyst.site.passwords import Passwords
from tyst.site.sessions import Denied
from tyst.site.shop import Shop
from tyst.site.steering import Steering


@dataclass(frozen=True)
class Services:
    """The parts of one running site. `now`: aware UTC; `draw(n)`: n random bytes."""

    now: Callable[[], datetime]
    draw: Callable[[int], bytes] = field(repr=False)
    keys: Keyring = field(repr=False)
    gate: Gate
    geo: GeoSource
    limits: Limits
    passwords: Passwords
    denied: Denied
    assets: Assets
    steering: Steering
    shop: Shop
    outbox: Outbox
    writer: Writer
    bounces: Bounces

    hosting: Hosting = field(default_factory=Hosting)
    transparency: Path = field(default_factory=lambda: Path("/nonexistent"))
    """The folder of signed counters, canary and months; where there is none the page claims nothing."""

    @property
    def seconds(self) -> int:
        """The clock in whole seconds since 1970, as seals want it."""
        return int(self.now().timestamp())


class SiteRequest(WSGIRequest):
    """A request with the site's services, and with the customer once the middleware has looked at her cookies."""

    services: Services
    account: Account | None = None
    session: Session | None = None  # type: ignore[assignment]
    LANGUAGE_CODE: str = "en"


class SiteHandler(WSGIHandler):
    """Django's WSGI door, handing its services to every request."""

    request_class = SiteRequest

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services

    def get_response(self, request: Any) -> Any:
        request.services = self.services
        answer = super().get_response(request)
        process.count(SITE_ANSWERS, f"{answer.status_code // 100}xx")
        return answer
