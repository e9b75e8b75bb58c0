"""The page with all letters is in step with the texts, and shows every one."""

import importlib.util
from pathlib import Path
from types import ModuleType

from tyst.mail.letters import KINDS

TOOL = Path(__file__).parents[3] / "tools/show_letters.py"


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("show_letters", TOOL)
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_the_page_of_letters_is_in_step() -> None:
    tool = _tool()
    assert tool.PAGE.read_text("utf-8") == tool.page(), "run tools/show_letters.py"


def test_every_letter_is_shown_in_every_language() -> None:
    tool = _tool()
    for language in tool.LANGUAGES:
        assert {letter.kind for letter in tool.letters(language)} == set(KINDS)
