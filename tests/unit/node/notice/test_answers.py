"""What the notice page answers: the page in the reader's language, or the way to it, and nothing of the request."""

import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.wireguard.addresses import NOTICE4, NOTICE6
from tyst.messages.admission import Why
from tyst.node.notice.answers import Answer, Notices, Question
from tyst.node.notice.sentences import SENTENCES

NOTICES = Notices("https://tyst.test", "Stockholm")
HOME6, HOME4 = f"[{NOTICE6}]", str(NOTICE4)


def ask(
    path: str = "/", *, host: str = HOME6, languages: str = "", why: Why = Why.EXPIRED, method: str = "GET"
) -> Answer:
    return NOTICES.answer(Question(NOTICE6, method, path, host, languages), why)


def text_of(answer: Answer) -> str:
    return answer.body.decode()


@pytest.mark.parametrize("language", ["en", "sv", "de", "no"])
@pytest.mark.parametrize(
    ("why", "kind"),
    [
        (Why.EXPIRED, "expired"),
        (Why.SLOTS, "slots"),
        (Why.UNREACHABLE, "unreachable"),
        (Why.GONE, "changed"),
        (Why.BUSY, "other"),
    ],
)
def test_alice_reads_why_and_what_to_do_in_her_language(language: str, why: Why, kind: str) -> None:
    text = text_of(ask(f"/{language}", why=why))
    for part in ("title", "what", "do", "link"):
        assert SENTENCES[language][f"{kind}.{part}"] in text
    assert SENTENCES[language]["garden"] in text
    assert f'href="https://tyst.test/{language}/"' in text
    for code in ("en", "sv", "de", "no"):
        assert f'href="/{code}"' in text


def test_an_open_tunnel_is_told_its_place_and_no_garden() -> None:
    text = text_of(ask(why=Why.NONE))
    assert "You are connected through Stockholm" in text
    assert SENTENCES["en"]["garden"] not in text


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("fr,nb;q=0.7,de;q=0.6", "nb"),
        ("nn", "nb"),
        ("no", "nb"),
        ("de;q=0.2, en;q=0.1", "de"),
        ("sv;q=0, de;q=0.1", "de"),
        ("fr, ja", "en"),
        ("", "en"),
        ("*", "en"),
        (";;;q=x,,,", "en"),
        ("sv;q=zzz", "en"),
    ],
)
def test_the_browsers_language_decides(header: str, tag: str) -> None:
    assert dict(ask(languages=header).headers)["Content-Language"] == tag
    assert f'<html lang="{tag}">' in text_of(ask(languages=header))


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("connectivitycheck.gstatic.com", "/generate_204"),
        ("captive.apple.com", "/hotspot-detect.html"),
        ("www.msftconnecttest.com", "/connecttest.txt"),
        ("detectportal.firefox.com", "/success.txt"),
        ("nmcheck.gnome.org", "/"),
        (HOME6, "/anything/else"),
        (HOME6, "/sv/"),
        (HOME4, "/"),
        ("", "/"),
    ],
)
def test_every_other_name_and_path_leads_to_the_notice(host: str, path: str) -> None:
    answer = ask(path, host=host)
    assert answer.status == 302
    assert dict(answer.headers)["Location"] == f"http://{HOME6}/"
    assert answer.body == b""


def test_ipv4_leads_to_ipv4() -> None:
    question = Question(NOTICE4, "GET", "/", "example.org")
    assert dict(NOTICES.answer(question, Why.NONE).headers)["Location"] == f"http://{HOME4}/"
    assert NOTICES.answer(Question(NOTICE4, "GET", "/?x=1", f"{HOME4}:80"), Why.NONE).status == 200


def test_only_reading_is_possible() -> None:
    assert ask(method="POST").status == 405
    assert ask(method="HEAD").status == 200


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80), st.sampled_from(["GET", "POST", "HEAD"]))
def test_nothing_of_a_request_comes_back(host: str, path: str, languages: str, method: str) -> None:
    mark = "Mallory's mark"
    answer = ask(f"/{path}{mark}", host=host + mark, languages=languages + mark, method=method)
    assert mark not in repr(answer)
    assert answer.status in (302, 405)


def test_every_answer_forbids_keeping_and_sets_no_cookie() -> None:
    for answer in (ask(), ask("/x"), ask(method="POST")):
        headers = {name.lower(): value for name, value in answer.headers}
        assert headers["cache-control"] == "no-store"
        assert not headers.keys() & {"set-cookie", "etag", "last-modified", "server"}


def test_the_page_loads_nothing_and_its_policy_says_so() -> None:
    answer = ask()
    text = text_of(answer)
    assert not re.search(r"<(script|link|img|iframe)|url\(|@import|src=", text)
    assert dict(answer.headers)["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert not re.findall(r"\$[a-z_]+", text), "a placeholder is left"


def test_a_place_cannot_be_markup() -> None:
    hostile = Notices('https://tyst.test/"><script>', "<b>Stockholm</b>")
    text = hostile.page("en", Why.NONE)
    assert "<b>" not in text
    assert "<script>" not in text
    assert ip_address("10.0.0.2") == NOTICE4
