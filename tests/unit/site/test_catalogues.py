"""The catalogues: every text translated, none fuzzy, the same placeholders, and compiled as gettext would."""

import gettext
import importlib.util
import io
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import polib
import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"
LANGUAGES = ("sv", "de", "nb")


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


extract, compiler = _tool("extract_messages"), _tool("compile_messages")


def _catalogue(language: str) -> Any:
    return polib.pofile(str(extract.catalogue_path(language)))


def faults(catalogue: Any, wanted: set[tuple[str, str | None]]) -> list[str]:
    """What is wrong with a catalogue, as sentences."""
    found = {(entry.msgid, entry.msgid_plural or None) for entry in catalogue}
    said = [f"missing: {text}" for text, _ in wanted - found] + [f"unused: {text}" for text, _ in found - wanted]
    for entry in catalogue:
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        if entry.fuzzy:
            said.append(f"fuzzy: {entry.msgid}")
        if not all(texts):
            said.append(f"untranslated: {entry.msgid}")
        said += [f"placeholders differ: {entry.msgid}" for text in texts if _places(text) != _places(entry.msgid)]
    return said


def _places(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|%[sd]|\{\w*\}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(tables: Path, language: str) -> None:
    assert faults(_catalogue(language), extract.wanted()) == []


def test_a_catalogue_that_lacks_something_is_caught(tables: Path) -> None:
    catalogue = _catalogue("sv")
    plural = next(entry for entry in catalogue if entry.msgid_plural and "devices" in entry.msgid_plural)
    plural.msgstr_plural = {0: "en enhet", 1: "%(devices)s enheter"}
    empty, fuzzy, removed, *_ = (entry for entry in catalogue if not entry.msgid_plural)
    empty.msgstr = ""
    fuzzy.flags.append("fuzzy")
    gone, extra = removed.msgid, polib.POEntry(msgid="nobody asks", msgstr="ingen frågar")
    catalogue.remove(removed)
    catalogue.append(extra)
    said = faults(catalogue, extract.wanted())
    kinds = {"placeholders differ", "untranslated", "fuzzy", "unused", "missing"}
    assert {one.split(":")[0] for one in said} == kinds and f"missing: {gone}" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiler_makes_what_gettext_reads(language: str) -> None:
    text = extract.catalogue_path(language).read_text()
    read = gettext.GNUTranslations(io.BytesIO(compiler.binary(compiler.messages(text))))
    for entry in polib.pofile(text):
        if entry.msgid_plural:
            for count, form in ((1, 0), (2, 1)):
                assert read.ngettext(entry.msgid, entry.msgid_plural, count) == entry.msgstr_plural[form]
        else:
            assert read.gettext(entry.msgid) == entry.msgstr


def test_the_compiler_leaves_out_what_is_fuzzy_or_empty() -> None:
    text = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n#, fuzzy\nmsgid "a"\nmsgstr "b"\n\n'
    text += 'msgid "c"\nmsgstr ""\n\nmsgid ""\n"long "\n"text"\nmsgstr "lång "\n"text"\n'
    found = compiler.messages(text)
    assert b"a" not in found and b"c" not in found and found[b"long text"] == "lång text".encode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_german_or_nordic_sentence_was_left_english(language: str) -> None:
    """A sentence of several words that equals its English is most likely forgotten."""
    same = [entry.msgid for entry in _catalogue(language) if entry.msgstr == entry.msgid and entry.msgid.count(" ") > 2]
    assert same == []
