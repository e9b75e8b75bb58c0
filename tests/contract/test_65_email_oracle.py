"""Row 65: nobody learns from the site whether somebody has an account with a mail address.

An address is optional, is never asked for at sign-up, and may be the same on many accounts, so there is nothing that
could be 'taken'. Asking for a letter answers in the same bytes for a right address, a wrong one, an account without
one, and a name that nobody has; and only the right one's owner gets a letter. The naive answer is planted first.
"""

import time

import httpx
import pytest

from tests.contract.counter import Buyer, Counter, until

ADDRESS = "alice65@example.test"
PASSING = ("date", "set-cookie", "content-length", "connection")
"""Headers that tell of the clock, of what was typed, and of how many connections are open."""


def told(answer: httpx.Response, *typed: str) -> tuple[int, list[tuple[str, str]], str]:
    """All that an answer tells, but what was typed into it and the clock."""
    body = answer.text
    for text in typed:
        body = body.replace(text, "TYPED")
    return answer.status_code, [one for one in sorted(answer.headers.items()) if one[0] not in PASSING], body


@pytest.fixture(scope="module")
def alice(counter: Counter) -> Buyer:
    """She has an address, confirmed."""
    one = Buyer(counter, "alice65")
    counter.sql("UPDATE account SET email = ? WHERE username = ?", ADDRESS, one.name)
    return one


def ask(counter: Counter, name: str, email: str) -> httpx.Response:
    """Asks for a letter with a new password, from an address of her own."""
    with Buyer.visitor(counter) as client:
        return client.post("/en/recover/mail", data={"username": name, "email": email})


def test_a_site_that_says_taken_would_be_found(counter: Counter) -> None:
    """The planted fault: user names are such an oracle, which can't be helped; the same comparison sees it."""
    Buyer(counter, "bob65")
    answers = []
    for name in ("bob65", "nobody65"):
        with Buyer.visitor(counter) as client:
            form = {"username": name, "password": "a quiet passphrase", "country": "se"}
            answers.append(told(client.post("/en/signup", data=form), name))
    assert answers[0] != answers[1]


def test_an_address_is_not_asked_for_at_sign_up_and_none_is_kept_there(counter: Counter, alice: Buyer) -> None:
    assert 'name="email"' not in alice.client.get("/en/signup").text
    with Buyer.visitor(counter) as client:
        form = {"username": "charlie65", "password": "a quiet passphrase", "country": "se", "email": ADDRESS}
        assert client.post("/en/signup", data=form).status_code == 200
    assert counter.sql("SELECT email FROM account WHERE username = 'charlie65'") == [(None,)]


def test_a_taken_address_and_a_fresh_one_get_the_same_answer_in_the_settings(counter: Counter, alice: Buyer) -> None:
    answers = []
    for name, address in (("dora65", ADDRESS), ("erik65", "erik65@example.test")):
        buyer = Buyer(counter, name)
        form = {"email": address, "language": "en", "currency": "SEK"}
        answers.append(told(buyer.client.post("/en/account/settings", data=form), address, name))
    assert answers[0] == answers[1] and answers[0][0] in (200, 302)
    assert counter.sql("SELECT count(*) FROM account WHERE email = ?", ADDRESS) == [(1,)], "asked first, kept later"


def test_asking_for_a_letter_tells_nothing(counter: Counter, alice: Buyer) -> None:
    Buyer(counter, "frida65")
    letters = len(counter.mail.letters)
    cases = {
        "the right address": ("alice65", ADDRESS),
        "another's address": ("alice65", "mallory@example.test"),
        "an account without one": ("frida65", "frida65@example.test"),
        "nobody": ("nobody65", ADDRESS),
        "nobody, no address": ("nobody66", ""),
    }
    answers = {case: told(ask(counter, *typed), *filter(None, typed)) for case, typed in cases.items()}
    assert answers["the right address"][0] == 200
    assert {case for case, answer in answers.items() if answer != answers["nobody"]} == set()
    assert until(lambda: len(counter.mail.letters) > letters), "Alice gets her letter"
    assert not until(lambda: len(counter.mail.letters) > letters + 1, 1.0), "and nobody else one"


def test_the_time_of_the_answer_tells_nothing_either(counter: Counter) -> None:
    """Medians of interleaved tries: a letter that is written and sent before the answer would take 5 ms and more."""
    known = [Buyer(counter, f"greta65{number}").name for number in range(4)]
    for name in known:
        counter.sql("UPDATE account SET email = ? WHERE username = ?", f"{name}@example.test", name)
    spent: dict[bool, list[float]] = {True: [], False: []}
    for name in known * 3:
        for right, typed in ((True, name), (False, name.replace("greta", "nobod"))):
            with Buyer.visitor(counter) as client:
                client.get("/en/recover/mail")
                began = time.perf_counter()
                client.post("/en/recover/mail", data={"username": typed, "email": f"{name}@example.test"})
                spent[right].append(time.perf_counter() - began)
    one, other = (sorted(times)[len(times) // 2] for times in spent.values())
    assert abs(one - other) < 0.5 * max(one, other) + 0.005, (one, other)
