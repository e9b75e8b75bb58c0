"""Compiles the site's catalogues, .po to .mo (GNU gettext's binary form), with Python alone: no gettext is needed.

usage: python tools/compile_messages.py     Compiles every catalogue under src/tyst/site/locale that has changed.

A message without a translation, or marked fuzzy, is left out, so that English shows. See `extract_messages.py`.
"""

import ast
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

LOCALE = Path(__file__).resolve().parents[1] / "src/tyst/site/locale"
Entry = dict[str, str]


def entries(text: str) -> Iterator[Entry]:
    """The catalogue's entries: keyword (msgid, msgstr[0], …) to text; the flag line under '#,'."""
    entry: Entry = {}
    keyword = ""
    for line in [*text.splitlines(), ""]:
        line = line.strip()
        if not line or line.startswith("#"):
            if "msgid" in entry:
                yield entry
                entry = {}
            if line.startswith("#,"):
                entry["#,"] = line
            continue
        if not line.startswith('"'):
            keyword, _, line = line.partition(" ")
            entry[keyword] = ""
        entry[keyword] += ast.literal_eval(line)


def messages(text: str) -> dict[bytes, bytes]:
    """Key to translation, as the binary form has them."""
    found: dict[bytes, bytes] = {}
    for entry in entries(text):
        forms = [entry[name] for name in sorted(entry) if name.startswith("msgstr")]
        if all(forms) and "fuzzy" not in entry.get("#,", ""):
            key = "\0".join([entry["msgid"], *([entry["msgid_plural"]] if "msgid_plural" in entry else [])])
            found[key.encode()] = "\0".join(forms).encode()
    return found


def binary(found: dict[bytes, bytes]) -> bytes:
    """The .mo file: header, two tables of (length, offset), the texts, each with a zero after it."""
    keys = sorted(found)
    start = 28 + 16 * len(keys)
    tables, texts = [], b""
    for column in (keys, [found[key] for key in keys]):
        for text in column:
            tables.append(struct.pack("<II", len(text), start + len(texts)))
            texts += text + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, start)
    return header + b"".join(tables) + texts


def compile_all(locale: Path = LOCALE) -> int:
    """Compiles what is out of date; how many files."""
    done = 0
    for source in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        made = binary(messages(source.read_text(encoding="utf-8")))
        if not target.exists() or target.read_bytes() != made:
            target.write_bytes(made)
            done += 1
    return done


if __name__ == "__main__":
    compile_all()
    sys.exit(0)
