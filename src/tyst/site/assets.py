"""Styles, scripts, fonts and pictures, read into RAM at start and served under a folder named by the hash of them all.

No disk is read for a visitor, and a browser may keep a file for good: other contents have another address. Counterpart:
`npm run build` makes `static/dist/` from `frontend/`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
Countries = Mapping[str, Sequence[Sequence[str]]]
"""By language code: (two letters, name), in that language's order."""

NEEDED = ("site.css", "dist/wireguard.js", "dist/card.js", "dist/waiting.js", "dist/voucher.js", "dist/countries.json")


class AssetsError(RuntimeError):
    """The front end isn't built."""


@dataclass(frozen=True)
class Asset:
    """One file."""

    type: str
    body: bytes


class Assets:
    """All files by name, and the countries' names."""

    def __init__(self, files: Mapping[str, bytes], countries: Countries) -> None:
        self._files = {name: Asset(TYPES[Path(name).suffix], body) for name, body in files.items()}
        self._digest = hashlib.sha256(b"".join(name.encode() + files[name] for name in sorted(files))).hexdigest()[:12]
        self.countries = countries

    def url(self, name: str) -> str:
        """The address of a file, the same for as long as the files are."""
        assert name in self._files, f"no asset {name}"
        return f"/static/{self._digest}/{name}"

    def country(self, code: str | None, language: str) -> str:
        """A country's name in a language; its letters when nobody named it."""
        return next((name for two, name in self.countries[language] if two == code), (code or "").upper())

    def find(self, digest: str, name: str) -> Asset | None:
        """The file at such an address."""
        return self._files.get(name) if digest == self._digest else None


def load(folder: Path = FOLDER) -> Assets:
    """Reads the folder. AssetsError when `npm run build` has not been run."""
    missing = [name for name in NEEDED if not (folder / name).exists()]
    if missing:
        raise AssetsError("the site's front end isn't built: run tools/setup.sh, or `npm ci && npm run build`")
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.suffix in TYPES}
    return Assets(files, json.loads((folder / "dist/countries.json").read_text()))
