"""The notice page's catalogue: four languages, the same sentences, every reason."""

from string import Template

import pytest

from tyst.messages.admission import Why
from tyst.node.notice.sentences import LANGUAGES, NOTICE_OF, OTHER, SENTENCES, TAGS


def test_every_language_has_every_sentence() -> None:
    assert set(SENTENCES) == set(LANGUAGES) == set(TAGS) == {"en", "sv", "de", "no"}
    for language, words in SENTENCES.items():
        assert set(words) == set(SENTENCES["en"]), language
        assert all(text.strip() == text and text for text in words.values()), language


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_has_a_notice_in_every_language(why: Why) -> None:
    kind = NOTICE_OF.get(why, OTHER)
    for words in SENTENCES.values():
        for part in ("title", "what", "do", "link"):
            assert words[f"{kind}.{part}"]


@pytest.mark.parametrize("language", ["sv", "de", "no"])
def test_no_sentence_is_left_in_english(language: str) -> None:
    same = [key for key, text in SENTENCES[language].items() if text == SENTENCES["en"][key]]
    assert same == []


def test_no_sentence_stands_for_two_reasons() -> None:
    for words in SENTENCES.values():
        titles = [text for key, text in words.items() if key.endswith(".title")]
        assert len(set(titles)) == len(titles) == len({*NOTICE_OF.values(), OTHER})


def test_placeholders_are_the_same_everywhere() -> None:
    for language, words in SENTENCES.items():
        for key, text in words.items():
            assert Template(text).get_identifiers() == (["place"] if key == "open.title" else []), (language, key)
