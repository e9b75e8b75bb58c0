"""People with a browser and a device, who use the rooms of a world: the site as its listener would call it."""

import html
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from tyst.proof.worlds.device import Device

SITE = "tyst.test"
ADDRESS = "192.0.2.77"


@dataclass(frozen=True)
class Person:
    """Somebody with an account. Those of one pair have the same settings and were made in the same hour."""

    name: str
    password: str = field(repr=False)
    device: Device = field(repr=False)


def cast(names: tuple[str, ...], draw: Any) -> dict[str, Person]:
    """People by name, with passwords and devices drawn."""
    return {name: Person(name, f"a quiet passphrase {draw(8).hex()}", Device(draw(32))) for name in names}


@dataclass
class Answer:
    """A response of the site."""

    status: int
    body: bytes = field(repr=False)

    def found(self, pattern: str) -> str:
        """What the first group of a pattern finds in the page. LookupError, without the page."""
        found = re.search(pattern, self.body.decode())
        if found is None:
            raise LookupError(f"the page does not show what {pattern} looks for")
        return html.unescape(found[1]).strip()


class Browser:
    """Cookies, and requests over the site's WSGI door."""

    def __init__(self, door: Any) -> None:
        self._door, self.jar = door, dict[str, str]()

    def get(self, path: str, *, good: int = 200) -> Answer:
        """Opens a page."""
        return self._sent("GET", path, b"", good)

    def post(self, path: str, data: dict[str, str], *, good: int = 200) -> Answer:
        """Sends a form."""
        return self._sent("POST", path, urlencode(data).encode(), good)

    def _sent(self, method: str, path: str, body: bytes, good: int) -> Answer:
        got: list[Any] = []
        answer_parts = self._door(self._environ(method, path, body), lambda *told: got.extend(told))
        content = b"".join(answer_parts)
        answer_parts.close()
        for name, value in got[1]:
            if name.lower() == "set-cookie":
                self._keep(value)
        status = int(got[0].split()[0])
        if status != good:
            raise LookupError(f"{method} {path} answers {status}, not {good}")
        return Answer(status, content)

    def _environ(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        where, _, query = path.partition("?")
        return {
            "REQUEST_METHOD": method,
            "PATH_INFO": where,
            "QUERY_STRING": query,
            "SERVER_NAME": SITE,
            "SERVER_PORT": "443",
            "HTTP_HOST": SITE,
            "HTTP_ORIGIN": f"https://{SITE}",
            "REMOTE_ADDR": ADDRESS,
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in self.jar.items()),
        }

    def _keep(self, text: str) -> None:
        for name, morsel in SimpleCookie(text).items():
            if str(morsel["max-age"]) == "0":
                self.jar.pop(name, None)
            else:
                self.jar[name] = morsel.value
