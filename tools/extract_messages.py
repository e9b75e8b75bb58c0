"""Finds every text that the site can show and brings the three catalogues to it: new ones empty, unused ones gone.

usage: PYTHONPATH=src .venv/bin/python tools/extract_messages.py [--check]

Sources: the templates, the Python of `site`, and the sentences of `records/inventory.toml`. English is the key of each
message and needs no catalogue. A developer's tool (it uses polib); `compile_messages.py` is its counterpart.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib

SITE = Path(__file__).resolve().parents[1] / "src/tyst/site"
LANGUAGES = ("sv", "de", "nb")
_CALL = re.compile(r"\b(n?)gettext\(((?:u(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")(?:, )?){1,2})")
_MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_LITERAL = re.compile(r"u(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")

Message = tuple[str, str | None]
"""(the text, its plural or None)."""


def wanted() -> set[Message]:
    """Every message in use."""
    return {*_from_templates(), *_from_python(), *_from_inventory()}


def _from_templates() -> Iterator[Message]:
    from django.conf import settings
    from django.utils.translation.template import templatize

    if not settings.configured:
        settings.configure(USE_I18N=True)
    for path in sorted((SITE / "templates").iterdir()):
        for call in _CALL.finditer(templatize(path.read_text(), origin=path.name)):
            texts = [str(ast.literal_eval(one)) for one in _LITERAL.findall(call[2])]
            yield (texts[0], texts[1]) if call[1] else (texts[0], None)


def _from_python() -> Iterator[Message]:
    for path in sorted(SITE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _MARKS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value), None
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ngettext":
                one, many = (ast.literal_eval(text) for text in node.args[:2])
                yield str(one), str(many)


def _from_inventory() -> Iterator[Message]:
    from tyst.records.inventory import inventory

    for text in inventory().texts():
        yield text, None


def catalogue_path(language: str) -> Path:
    """Where a language's catalogue is."""
    return SITE / "locale" / language / "LC_MESSAGES/django.po"


def update(language: str) -> tuple[int, int]:
    """Adds and removes; (added, removed)."""
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = polib.pofile(str(path), wrapwidth=118) if path.exists() else polib.POFile(wrapwidth=118)
    if not file.metadata:
        file.metadata = {
            "Content-Type": "text/plain; charset=UTF-8",
            "Content-Transfer-Encoding": "8bit",
            "Language": language,
            "Plural-Forms": "nplurals=2; plural=(n != 1);",
        }
    messages = wanted()
    gone = [entry for entry in file if (entry.msgid, entry.msgid_plural or None) not in messages]
    for entry in gone:
        file.remove(entry)
    known = {entry.msgid for entry in file}
    fresh = [message for message in messages if message[0] not in known]
    for text, plural in fresh:
        empty = {0: "", 1: ""} if plural else {}
        file.append(polib.POEntry(msgid=text, msgid_plural=plural or "", msgstr_plural=empty))
    file.sort(key=lambda entry: entry.msgid)
    file.save(str(path))
    return len(fresh), len(gone)


def main() -> int:
    """Updates the catalogues, or with --check says what they lack."""
    if "--check" in sys.argv:
        lacking = [
            language
            for language in LANGUAGES
            if {entry.msgid for entry in polib.pofile(str(catalogue_path(language)))} != {one for one, _ in wanted()}
        ]
        print("catalogues out of step:", ", ".join(lacking)) if lacking else print("catalogues are in step")
        return bool(lacking)
    for language in LANGUAGES:
        added, removed = update(language)
        print(f"{language}: {added} new, {removed} gone")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
