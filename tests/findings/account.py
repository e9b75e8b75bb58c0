"""A customer at the site, without a browser: pages and forms over the site's own HTTPS, from any host of the lab.

Forms are sent as our own pages send them. What a page shows is read by ids and names, as `tyst.journey.pages` does with
a browser. Cookies are kept as a browser keeps them. No redirect is followed: where one leads is part of the answer.
"""

import html
import http.client
import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.unit.site.browser_key import DeviceKey

if TYPE_CHECKING:
    from tests.findings.world import World

SITE = "tyst.test"
PATIENCE = 30.0


@dataclass(frozen=True)
class Page:
    """An answer of the site."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, as the page's script reads it."""
        return json.loads(self.text)

    def element(self, identity: str) -> str:
        """The text of the element with this id."""
        found = re.search(rf'id="{identity}"[^>]*>([^<]*)<', self.text)
        assert found, f"the page has no {identity}"
        return html.unescape(found[1]).strip()

    @property
    def wrong(self) -> str:
        """The first sentence that says what is wrong, or nothing."""
        found = re.search(r'class="said wrong"[^>]*>([^<]*)<', self.text)
        return html.unescape(found[1]).strip() if found else ""


class Account:
    """Somebody at the site. `session`: the cookie of a session that she has already."""

    def __init__(self, world: "World", session: str = "", who: str = "web", port: int = 443) -> None:
        self._world, self._who, self._port = world, who, port
        self.cookies = {"session": session} if session else {}
        self._context = ssl.create_default_context(cadata=world.lab.ca.certificate if world.lab.ca else None)

    def get(self, path: str, **headers: str) -> Page:
        """Opens a page."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Page:
        """Sends a form."""
        origin = f"https://{SITE}" + (f":{self._port}" if self._port != 443 else "")
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        return self._ask("POST", path, urlencode(form or {}), {**kind, **headers})

    def send_key(self, key: DeviceKey, action: str = "register", **change: str) -> Page:
        """Registers or revokes a key, with the proof that the page's script computes; `change` alters what is sent."""
        challenge = self.get("/en/account/wireguard/challenge").json
        return self.post("/en/account/wireguard", {**key.form(challenge, action), **change}, Accept="application/json")

    def devices(self) -> int:
        """What her account page says."""
        return int(self.get("/en/account").element("devices"))

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Page:
        link = self._connect()
        try:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            link.request(method, path, body, {**({"Cookie": cookie} if cookie else {}), **headers})
            answer = link.getresponse()
            page = Page(answer.status, dict(answer.getheaders()), answer.read().decode())
            for line in answer.headers.get_all("Set-Cookie") or []:
                self._keep(line)
            return page
        finally:
            link.close()

    def _connect(self) -> http.client.HTTPSConnection:
        link = http.client.HTTPSConnection(SITE, self._port, timeout=PATIENCE)
        raw = self._world.lab[self._who].socket(socket.AF_INET, socket.SOCK_STREAM)
        raw.settimeout(PATIENCE)
        try:
            raw.connect((str(self._world.control.ipv4), self._port))
            link.sock = self._context.wrap_socket(raw, server_hostname=SITE)
        except BaseException:
            raw.close()
            raise
        return link

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if str(morsel["max-age"]) == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
