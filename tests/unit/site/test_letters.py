"""Letters and their links, as people use them: recovery by mail, addresses that are confirmed, the newsletter, bounces,
and notices for those who get no letters."""

import base64
import hashlib
import hmac
import json
import re
import statistics
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.site.conftest import Site
from tests.unit.site.person import Person
from tyst.core.rounding import end_of_day
from tyst.mail.bounces import Bounces
from tyst.mail.config import Config
from tyst.mail.letter import Letter

ADDRESS = "alice@example.org"


class Shelf:
    """An outbox whose letters stay to be looked at."""

    open = True

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def post(self, letter: Letter) -> None:
        self.letters.append(letter)

    def last(self, kind: str, to: str = ADDRESS) -> str:
        """The link in the newest letter of this kind, as a path."""
        letter = next(one for one in reversed(self.letters) if one.kind == kind and one.to == to)
        found = re.search(r"https://tyst\.test(/\S+)", letter.text)
        assert found
        return found.group(1)

    def sent(self) -> list[tuple[str, str]]:
        return [(letter.kind, letter.to) for letter in self.letters]


@pytest.fixture
def shelf(site: Site) -> Shelf:
    """The site sends mail."""
    shelf = Shelf()
    answers = {"mailgun": {"signing": "sign"}, "postmark": {"user": "hook", "password": "word"}}
    config = Config("Tyst <hello@tyst.test>", ("mailgun", "postmark"), answers)
    site.door.services = replace(site.services, outbox=shelf, bounces=_bounces(site, config))
    return shelf


def _bounces(site: Site, config: Config) -> Bounces:
    from tyst.records import accounts

    return Bounces(config, b"k" * 32, lambda address: accounts.forget_address(address, site.clock()))


def _account(name: str = "alice") -> Any:
    from tyst.records.models import Account

    return Account.objects.get(username=name)


def _with_address(site: Site, name: str = "alice", email: str = ADDRESS, **more: Any) -> Person:
    person = site.subscriber(name)
    from tyst.records.models import Account

    Account.objects.filter(username=name).update(email=email, **more)
    return person


def _settings(**change: str) -> dict[str, str]:
    return {"language": "en", "currency": "EUR", "has_ipv6": "1", **change}


def _ask(person: Person, name: str = "alice", email: str = ADDRESS) -> Any:
    return person.post("/en/recover/mail", {"username": name, "email": email})


def test_alice_recovers_by_mail_and_everything_old_opens_nothing(site: Site, shelf: Shelf) -> None:
    alice = _with_address(site)
    stranger = site.person()
    assert "a letter is on its way" in _ask(stranger, "Alice", "ALICE@example.org").element("sent")
    link, handle = shelf.last("reset"), bytes(_account().handle)
    assert stranger.get(link).status == 200 and bytes(_account().handle) == handle, "opening it changes nothing"
    page = stranger.post(link, {"password": "another quiet passphrase"})
    assert page.status == 200 and len(page.element("recovery-code").replace(" ", "")) >= 80
    assert bytes(_account().handle) != handle
    assert alice.get("/en/account").status == 302, "her old session is over"
    assert site.person().sign_in("alice", "another quiet passphrase").status == 302
    assert site.person().sign_in("alice").status == 422
    assert stranger.get(link).status == stranger.post(link, {"password": "x" * 20}).status == 410, "once"


def test_the_new_recovery_code_opens_the_account_and_the_old_one_does_not(site: Site, shelf: Shelf) -> None:
    person = site.person()
    old = person.sign_up("alice").element("recovery-code")
    from tyst.records.models import Account

    Account.objects.update(email=ADDRESS)
    _ask(person)
    new = person.post(shelf.last("reset"), {"password": "another quiet passphrase"}).element("recovery-code")
    assert new != old
    words = {"password": "a third quiet passphrase"}
    assert site.person().post("/en/recover", {"code": old, **words}).status == 422
    assert site.person().post("/en/recover", {"code": new, **words}).status == 200


def test_a_link_is_dead_after_an_hour(site: Site, shelf: Shelf) -> None:
    _with_address(site)
    _ask(site.person())
    link = shelf.last("reset")
    site.clock.forward(minutes=59)
    assert site.person().get(link).status == 200
    site.clock.forward(minutes=2)
    assert site.person().get(link).status == 410


def test_a_bad_password_leaves_the_link_alive(site: Site, shelf: Shelf) -> None:
    _with_address(site)
    _ask(site.person())
    link = shelf.last("reset")
    assert site.person().post(link, {"password": "short"}).status == 422
    assert site.person().post(link, {"password": "another quiet passphrase"}).status == 200


@pytest.mark.parametrize(
    ("name", "email"),
    [("alice", "mallory@example.org"), ("nobody", ADDRESS), ("bob", ADDRESS), ("not a name!", ADDRESS)],
)
def test_mallory_learns_of_no_account_from_the_answer(name: str, email: str, site: Site, shelf: Shelf) -> None:
    _with_address(site)
    site.subscriber("bob")
    known, unknown = _ask(site.person()), _ask(site.person(), name, email)
    assert (known.status, known.body, known.headers) == (unknown.status, unknown.body, unknown.headers)
    assert shelf.sent() == [("reset", ADDRESS), ("reset", "")], "both wrote a letter, one of them to nobody"
    texts = [re.sub(r"reset/\S+", "", letter.text).replace(name, "alice") for letter in shelf.letters]
    assert len({len(letter.text) - len(name) * letter.text.count(name) for letter in shelf.letters}) <= 2
    assert texts[0].splitlines()[0] == texts[1].splitlines()[0]


def _difference(site: Site, count: int = 60) -> float:
    """How much the medians of interleaved requests for a known and an unknown account differ, as a share."""
    times: dict[str, list[float]] = {"alice": [], "nobody": []}
    person = site.person()
    for _ in range(count):
        for name, spent in times.items():
            began = time.perf_counter()
            _ask(person, name)
            spent.append(time.perf_counter() - began)
    first, second = (statistics.median(spent) for spent in times.values())
    return abs(first - second) / min(first, second)


@pytest.fixture
def unlimited(site: Site, shelf: Shelf) -> None:
    """Alice has an address, and nobody counts who asks."""
    from tyst.site.limits import Bucket

    _with_address(site)
    free = Bucket(10**6, 3600, site.clock, lambda count: bytes(count))
    limits = replace(site.services.limits, letters=free, reminders=free)
    site.door.services = replace(site.door.services, limits=limits)


@pytest.mark.usefixtures("unlimited")
def test_the_answers_time_does_not_tell_either(site: Site) -> None:
    assert any(_difference(site) < 0.25 for _ in range(4)), "a busy machine may blur one of them"


@pytest.mark.usefixtures("unlimited")
def test_that_measure_sees_work_that_is_done_for_known_accounts_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tyst.site import post

    honest = post.send_reset

    def telling(services: Any, username: str, email: str, language: str) -> None:
        if username == "alice":
            hashlib.scrypt(b"x", salt=b"x", n=1024, r=8, p=1)
        honest(services, username, email, language)

    monkeypatch.setattr(post, "send_reset", telling)
    assert all(_difference(site, 20) > 0.25 for _ in range(3))


def test_letters_that_strangers_ask_for_have_a_limit(site: Site, shelf: Shelf) -> None:
    _with_address(site)
    for place in range(6):
        assert _ask(site.person(f"192.0.{place}.7")).status == 200
    assert len(shelf.letters) == 3, "three an hour for an address, whoever asks"
    stranger = site.person("198.51.100.9")
    assert [_ask(stranger, f"name{number}").status for number in range(12)].count(422) == 2


def test_without_mail_the_page_says_so(site: Site) -> None:
    assert "sends no mail" in site.person().get("/en/recover/mail").text
    assert "sends no mail" in _ask(site.person()).text


def test_an_address_counts_once_it_has_said_yes(site: Site, shelf: Shelf) -> None:
    alice = site.subscriber()
    page = alice.post("/en/account/settings", _settings(email=ADDRESS))
    assert page.status == 200 and ADDRESS in page.element("asked") and _account().email is None
    link = shelf.last("confirm_address")
    assert site.person().get(link).status == 200 and _account().email is None, "opening it changes nothing"
    for _ in range(2):
        assert site.person().post(link).status == 200
        assert _account().email == ADDRESS
    assert shelf.sent() == [("confirm_address", ADDRESS)]


def test_the_old_address_is_told_of_the_new_one_and_of_removal(site: Site, shelf: Shelf) -> None:
    alice = _with_address(site)
    alice.post("/en/account/settings", _settings(email="new@example.org"))
    assert _account().email == ADDRESS, "until the new one has said yes"
    site.person().post(shelf.last("confirm_address", "new@example.org"))
    assert _account().email == "new@example.org"
    assert shelf.sent()[-1] == ("address_changed", ADDRESS)
    alice.post("/en/account/settings", _settings(email=""))
    assert _account().email is None and shelf.sent()[-1] == ("address_changed", "new@example.org")


def test_a_confirmation_lapses_after_a_day_and_serves_no_later_owner_of_the_name(site: Site, shelf: Shelf) -> None:
    alice = site.subscriber()
    alice.post("/en/account/settings", _settings(email=ADDRESS))
    link = shelf.last("confirm_address")
    from tyst.records.models import Account

    Account.objects.all().delete()
    site.clock.forward(hours=2)
    site.subscriber()
    assert site.person().post(link).status == 410 and _account().email is None
    site.clock.forward(hours=24)
    assert site.person().get(link).status == 410


def test_the_newsletter_takes_two_steps_in_and_one_click_out(site: Site, shelf: Shelf) -> None:
    alice = _with_address(site)
    alice.post("/en/account/settings", _settings(email=ADDRESS, newsletter="1"))
    assert not _account().newsletter and shelf.sent() == [("confirm_newsletter", ADDRESS)]
    assert site.person().post(shelf.last("confirm_newsletter")).status == 200
    assert _account().newsletter
    letter = _newsletter(site, shelf)
    page = re.search(r"https://tyst\.test(/en/unsubscribe/\S+)", letter.text)
    assert page and site.person().get(page.group(1)).status == 200 and _account().newsletter, "looking is not leaving"
    program = letter.unsubscribe.removeprefix("https://tyst.test")
    answer = site.person().post(program, {"List-Unsubscribe": "One-Click"}, HTTP_ORIGIN="")
    assert (answer.status, answer.body, answer.cookies) == (200, b"", []) and not _account().newsletter
    assert site.person().post(program, HTTP_ORIGIN="https://mail.example").status == 200, "as often as one likes"
    assert site.person().get(program).status == 302, "a person is led to the page"


def test_the_page_in_the_newsletter_ends_it_for_ever_after(site: Site, shelf: Shelf) -> None:
    _with_address(site, newsletter=True)
    letter = _newsletter(site, shelf)
    site.clock.forward(days=2000)
    found = re.search(r"https://tyst\.test(/en/unsubscribe/\S+)", letter.text)
    assert found and site.person().post(found.group(1)).status == 200 and not _account().newsletter


def _newsletter(site: Site, shelf: Shelf) -> Letter:
    from tyst.jobs.newsletter_command import posted
    from tyst.mail.letters import Writer

    texts = dict.fromkeys(("en", "sv", "de", "no"), ("News", "Two new cities."))
    outbox: Any = shelf
    seconds = int(site.clock().timestamp())
    assert posted(texts, Writer("https://tyst.test"), outbox, site.keys.seal, seconds) == 1
    return shelf.letters[-1]


def test_the_newsletter_goes_to_who_wants_it_and_has_an_address(site: Site, shelf: Shelf) -> None:
    _with_address(site, "alice", newsletter=True)
    _with_address(site, "bob", "bob@example.org")
    site.subscriber("charlie")
    assert _newsletter(site, shelf).to == ADDRESS


@pytest.mark.parametrize("where", ["/en/confirm/{}", "/en/unsubscribe/{}", "/en/reset/{}", "/unsubscribe/{}"])
def test_mallorys_links_open_nothing(where: str, site: Site, shelf: Shelf) -> None:
    alice = _with_address(site, newsletter=True)
    alice.post("/en/account/settings", _settings(email="other@example.org", newsletter="1"))
    good = shelf.last("confirm_address", "other@example.org").rpartition("/")[2]
    for token in ("x", "A" * 120, good[:-2] + "AA", good if "confirm" not in where else good[1:]):
        assert (
            site.person().post(where.format(token), {"password": "x" * 20}, HTTP_ORIGIN="https://tyst.test").status
            == 410
        )
    assert _account().newsletter and _account().email == ADDRESS


def _mailgun(address: str, now: int, key: str = "sign", event: str = "failed", severity: str = "permanent") -> bytes:
    stamp, token = str(now), "t" * 50
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    told = {"timestamp": stamp, "token": token, "signature": signature}
    return json.dumps(
        {"signature": told, "event-data": {"event": event, "severity": severity, "recipient": address}}
    ).encode()


def _tell(site: Site, service: str, body: bytes, **headers: str) -> int:
    return site.person()._send("POST", f"/mail/{service}", body, {"CONTENT_TYPE": "application/json", **headers}).status


def test_an_address_goes_after_three_bounces_and_not_before(site: Site, shelf: Shelf) -> None:
    _with_address(site, newsletter=True)
    _with_address(site, "bob", "bob@example.org")
    now = int(site.clock().timestamp())
    basic = "Basic " + base64.b64encode(b"hook:word").decode()
    told = json.dumps({"RecordType": "Bounce", "Type": "HardBounce", "Email": ADDRESS}).encode()
    assert _tell(site, "mailgun", _mailgun("Alice@Example.org", now)) == 200
    assert _tell(site, "postmark", told, HTTP_AUTHORIZATION=basic) == 200
    assert _account().email == ADDRESS
    assert _tell(site, "mailgun", _mailgun(ADDRESS, now)) == 200
    assert _account().email is None and not _account().newsletter
    assert _account("bob").email == "bob@example.org"


def test_mallory_cannot_bounce_alices_address_away(site: Site, shelf: Shelf) -> None:
    _with_address(site)
    now = int(site.clock().timestamp())
    told = json.dumps({"RecordType": "Bounce", "Type": "HardBounce", "Email": ADDRESS}).encode()
    wrong = "Basic " + base64.b64encode(b"hook:guess").decode()
    for _ in range(4):
        assert _tell(site, "mailgun", _mailgun(ADDRESS, now, key="guess")) == 403
        assert _tell(site, "mailgun", _mailgun(ADDRESS, now - 3600)) == 403, "an old one, shown again"
        assert _tell(site, "mailgun", b"{}") == _tell(site, "mailgun", b"\xff") == 403
        assert _tell(site, "postmark", told) == _tell(site, "postmark", told, HTTP_AUTHORIZATION=wrong) == 403
        assert _tell(site, "smtp", told) == _tell(site, "pigeon", told) == 403
    assert _account().email == ADDRESS


def test_a_full_mailbox_is_no_bounce(site: Site, shelf: Shelf) -> None:
    _with_address(site)
    now = int(site.clock().timestamp())
    for _ in range(4):
        assert _tell(site, "mailgun", _mailgun(ADDRESS, now, severity="temporary")) == 200
        assert _tell(site, "mailgun", _mailgun(ADDRESS, now, event="delivered")) == 200
    assert _account().email == ADDRESS


def test_the_count_of_bounces_names_nobody(site: Site) -> None:
    bounces = _bounces(site, Config("a@b.se", ("postmark",), {"postmark": {"user": "u", "password": "p"}}))
    basic = {"authorization": "Basic " + base64.b64encode(b"u:p").decode()}
    told = json.dumps({"RecordType": "Bounce", "Type": "HardBounce", "Email": ADDRESS}).encode()
    bounces.hear("postmark", basic, told, 0)
    assert len(bounces._counts) == 1 and ADDRESS not in repr(vars(bounces))


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (20, None),
        (14, "renewal-due"),
        (0, "renewal-due"),
        (-1, "subscription-ended"),
        (-30, "subscription-ended"),
        (-31, None),
    ],
)
def test_alice_without_an_address_reads_of_her_end_on_her_account_page_and_in_her_client(
    days: int, code: str | None, site: Site
) -> None:
    from datetime import timedelta

    from tyst.records.models import Account

    alice = site.subscriber()
    end = site.clock().date() + timedelta(days=days)
    Account.objects.update(subscription=end_of_day(end))
    told = alice.get("/api/v1/account-notices").json["notices"]
    assert [(one["code"], one["day"]) for one in told] == ([(code, str(end))] if code else [])
    page = alice.get("/en/account").text
    assert all(one["text"] in page for one in told) and page.count("data-notice") == len(told)


def test_an_add_on_that_rests_is_said_to_rest(site: Site) -> None:
    from datetime import timedelta

    from tyst.records.models import Account

    alice, today = site.subscriber(), site.clock().date()
    Account.objects.update(subscription=None, multihop=end_of_day(today + timedelta(days=40)))
    [told] = alice.get("/api/v1/account-notices").json["notices"]
    assert (told["code"], told["product"]) == ("addon-suspended", "multihop") and "Multihop" in told["text"]
    Account.objects.update(subscription=end_of_day(today + timedelta(days=90)))
    assert alice.get("/api/v1/account-notices").json == {"notices": []}
    Account.objects.update(multihop=end_of_day(today + timedelta(days=9)))
    [told] = alice.get("/api/v1/account-notices").json["notices"]
    assert told["code"] == "addon-due"


def test_mallory_signed_out_reads_no_notices(site: Site) -> None:
    answer = site.person().get("/api/v1/account-notices")
    assert answer.status == 401 and answer.json == {"error": "signed-out"}
