"""Row 38: nobody can make the site fetch an address of her choice. There is no field for one, in any form or API.

Mallory types addresses of a listener of his own into every field of every form, every header, and every callback. The
listener must not be called, and no answer may lead a browser to it. First it is shown that the listener hears.
"""

import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver

from tests.contract.counter import Buyer, Counter

TEMPLATES = Path(__file__).resolve().parents[2] / "src/tyst/site/templates"
FIELD = re.compile(r"""<(?:input|textarea|select)\b[^>]*|\{% include "field\.html" [^%]*%\}""")
NAME = re.compile(r"""\bname="([^"{]+)"|\btype="([^"{]+)\"""")
MEANT_FOR_ADDRESSES = re.compile(
    r"^(?:.*_)?(?:ur[il]|href|link|webhook|callback|avatar|image|next|redirect|return_?to|site)$"
)


def fields(text: str) -> set[str]:
    """Names and types of a template's fields."""
    return {name or kind for field in FIELD.findall(text) for name, kind in NAME.findall(field)}


def test_no_form_has_a_field_for_an_address() -> None:
    templates = sorted(TEMPLATES.rglob("*.html"))
    found = {
        template.name: {one for one in fields(template.read_text()) if MEANT_FOR_ADDRESSES.match(one)}
        for template in templates
    }
    assert {name: names for name, names in found.items() if names} == {}
    assert sum(len(fields(template.read_text())) for template in templates) > 30, "the forms were read"


@pytest.mark.parametrize(
    "planted",
    [
        '<input id="a" name="avatar_url">',
        '<input type="url" name="x">',
        '<textarea name="webhook"></textarea>',
        '{% include "field.html" with name="next" value=next %}',
    ],
)
def test_a_planted_field_for_an_address_is_found(planted: str) -> None:
    assert any(MEANT_FOR_ADDRESSES.match(one) for one in fields(planted))


class Listener:
    """Counts who connects, on IPv4 and IPv6."""

    def __init__(self) -> None:
        self.calls = 0
        self.server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)

    def addresses(self) -> list[str]:
        """The same listener, as attackers write it."""
        hosts = ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "localhost")
        return [f"http://{host}:{self.port}/x" for host in hosts]


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.close()


def pages() -> list[str]:
    """Every address of the site, from its own table; what stands for something is made up."""
    import tyst.site.urls as site

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
        for one in patterns:
            if isinstance(one, URLResolver):
                yield from walk(one.url_patterns, "/en/")
            else:
                yield prefix + re.sub(r"<[^>]+>", "x", str(one.pattern))

    return list(walk(site.urlpatterns, "/"))


def names_of_all_fields() -> set[str]:
    """Whatever any page reads or any template shows, and the usual suspects."""
    read = [path.read_text() for path in TEMPLATES.parents[0].rglob("*.py")]
    typed = {
        name
        for text in read
        for name in re.findall(r"""(?:typed|secret)\(request, "(\w+)"|POST(?:\.get\(|\[)"(\w+)\"""", text)
    }
    shown = {name for template in TEMPLATES.rglob("*.html") for name in fields(template.read_text())}
    return {name for pair in typed for name in pair if name} | shown | {"url", "next", "callback", "webhook", "avatar"}


def test_whatever_mallory_types_the_site_calls_nobody(counter: Counter, listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port), 5), socket.create_connection(("::1", listener.port), 5):
        pass
    while listener.calls < 2:
        threading.Event().wait(0.01)
    mallory, names, paths = Buyer(counter, "mallory38"), sorted(names_of_all_fields()), pages()
    assert len(paths) > 35 and {"code", "username", "email", "country", "package"} <= set(names)
    ways = [path for path in paths if path not in ("/en/account/delete", "/en/signout", "/en/account/rekey")]
    for number, path in enumerate(ways):
        address = listener.addresses()[number % 5]
        headers = dict.fromkeys(
            ("Referer", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Original-URL"), address
        )
        for answer in (
            mallory.client.get(path, params={"next": address, "url": address}, headers=headers),
            mallory.client.post(path, data=dict.fromkeys(names, address), headers=headers),
        ):
            assert str(listener.port) not in answer.headers.get("location", ""), path
            assert answer.status_code < 500, (path, answer.status_code)
    assert mallory.client.get("/en/account").status_code == 200, "she was signed in all the while"
    for name in ("swish", "coinpayments", "braintree", "monero"):
        for address in listener.addresses():
            said = dict.fromkeys(
                ("id", "url", "callbackUrl", "location", "href", "notificationsUrl", "bt_payload"), address
            )
            mallory.client.post(f"/pay/{name}/x", json=said, headers={"Location": address, "X-Callback-Url": address})
            mallory.client.post(f"/pay/{name}/x", data=said)
    assert listener.calls == 2, "only we ourselves have called"
