"""What the notice page answers to one request: values in, values out, no socket.

Every address but the page's own is answered with a redirect to it: that is what a system's captive-portal probe looks
for (RFC 8952, section 2.2), so that phones and computers open the page by themselves. Nothing of a request is ever
given back.
"""

import base64
import hashlib
import html
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from string import Template

from tyst.messages.admission import Why
from tyst.node.notice.sentences import LANGUAGES, NOTICE_OF, OPEN, OTHER, SENTENCES, TAGS

TunnelAddress = IPv4Address | IPv6Address

_HERE = Path(__file__).parent
_PREFERRED = {"en": "en", "sv": "sv", "de": "de", "no": "no", "nb": "no", "nn": "no"}
"""Primary subtags of Accept-Language that we have a language for."""


@dataclass(frozen=True)
class Question:
    """What matters of a request. `at`: the address it came to; `host`, `languages`: header values, perhaps empty."""

    at: TunnelAddress
    method: str
    path: str = field(repr=False)
    host: str = field(default="", repr=False)
    languages: str = field(default="", repr=False)


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of a response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class Notices:
    """All pages there are. `site`: where the site is (https://…); `place`: what an open tunnel's page calls us."""

    def __init__(self, site: str, place: str) -> None:
        self._page = Template((_HERE / "notice.html").read_text(encoding="utf-8"))
        self._style = (_HERE / "notice.css").read_text(encoding="utf-8")
        self._site, self._place = site.rstrip("/"), place
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

    def answer(self, question: Question, why: Why) -> Answer:
        """The page, in the language asked for, or the way to it."""
        if question.method not in ("GET", "HEAD"):
            return Answer(405, (*_ALWAYS, ("Allow", "GET, HEAD")))
        language = _language(question)
        if language is None:
            return Answer(302, (*_ALWAYS, ("Location", f"http://{_literal(question.at)}/")))
        body = self.page(language, why).encode()
        headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", TAGS[language]),
            ("Content-Security-Policy", self._policy),
            ("Vary", "Accept-Language"),
        )
        return Answer(200, (*_ALWAYS, *headers), body)

    def page(self, language: str, why: Why) -> str:
        """The page's text for one reason."""
        kind = NOTICE_OF.get(why, OTHER)
        words = {key: html.escape(text, quote=False) for key, text in SENTENCES[language].items()}
        aside = "" if kind == OPEN else f'<p class="aside">{words["garden"]}</p>\n'
        place = html.escape(self._place)
        return self._page.substitute(
            tag=TAGS[language],
            kind=kind,
            style=self._style,
            title=Template(words[f"{kind}.title"]).safe_substitute(place=place),
            what=words[f"{kind}.what"],
            what_to_do=words[f"{kind}.do"],
            link=words[f"{kind}.link"],
            site=html.escape(f"{self._site}/{language}/"),
            garden=aside,
            languages=words["languages"],
            language_links=_links(language),
            kept=words["kept"],
        )


_ALWAYS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


def _links(current: str) -> str:
    return " ".join(
        f'<a href="/{code}" lang="{TAGS[code]}"{" aria-current=page" if code == current else ""}>{name}</a>'
        for code, name in LANGUAGES.items()
    )


def _literal(address: TunnelAddress) -> str:
    return str(address) if address.version == 4 else f"[{address}]"


def _language(question: Question) -> str | None:
    """The language of the page that is asked for, or None when it isn't our page at all."""
    literal = _literal(question.at)
    if question.host.lower() not in (literal, f"{literal}:80"):
        return None
    path = question.path.partition("?")[0]
    if path in ("/", ""):
        return _best(question.languages)
    return path[1:] if path[1:] in LANGUAGES else None


def _best(header: str) -> str:
    """The first of our languages by the header's weights (RFC 9110, section 12.5.4); English when it has none."""
    wanted: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, weight = part.partition(";")
        language = _PREFERRED.get(tag.strip().split("-")[0].lower())
        if language is not None:
            wanted.append((_weight(weight), language))
    wanted = [pair for pair in wanted if pair[0] > 0]
    return max(wanted, key=lambda pair: pair[0])[1] if wanted else "en"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
