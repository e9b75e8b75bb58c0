"""Rights without asking: a copy of everything, correction, deletion, by the password or the recovery code alone."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.site.conftest import Site
from tests.unit.site.person import Answer, Person
from tests.unit.site.processor import ProcessorOfTest
from tests.unit.site.test_public_ipv4 import owner_of_addon, pools, take
from tyst.lab.wait import wait_until
from tyst.mail.bounces import Bounces
from tyst.mail.letter import Letter, MailError
from tyst.mail.outbox import Outbox
from tyst.payments.provider import Provider
from tyst.records import undone

PASSWORD = "a quiet passphrase"
EMAIL = "alice@example.org"


class Keeper:
    """A mail service that takes nothing now and keeps a list of addresses that it refuses."""

    name = "mailgun"

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.away = False

    def carry(self, letter: Letter) -> bool:
        raise MailError("later")

    def check(self) -> str:
        return "works"

    def listed(self, address: str) -> bool:
        if self.away:
            raise MailError("away")
        return address in self.refuses

    def unlist(self, address: str) -> None:
        if self.away:
            raise MailError("away")
        self.refuses.discard(address)


@pytest.fixture
def card() -> ProcessorOfTest:
    return ProcessorOfTest("braintree", kind="card", renews=True)


@pytest.fixture
def providers(card: ProcessorOfTest) -> Sequence[Provider]:
    return (card, ProcessorOfTest("coinpayments"))


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> undone.Undone:
    """What was undone is noted."""
    state = tmp_path / "journal"
    state.mkdir()
    monkeypatch.setattr(undone, "_CURRENT", undone.of_state(state))
    return undone.current()


@pytest.fixture
def service(site: Site) -> Iterator[Keeper]:
    """The site sends mail, and the service takes nothing now: letters wait."""
    keeper = Keeper()
    outbox = Outbox((keeper,), pauses=(60.0,))
    site.door.services = replace(site.services, outbox=outbox, bounces=Bounces(None, bytes(32), lambda _: None))
    yield keeper
    outbox.close(0.0)


def services(site: Site) -> Any:
    return site.door.services


def account(name: str = "alice") -> Any:
    from tyst.records import accounts

    return accounts.by_username(name)


def copied(person: Person, act: str = "json") -> Any:
    """Her copy: the document, or the page."""
    answer = person.post("/en/account/copy", {"password": PASSWORD, "act": act})
    assert answer.status == 200
    return json.loads(answer.body) if act == "json" else answer


def mandate(site: Site, name: str = "alice") -> str:
    from tyst.site import holdings

    return holdings.mandate(services(site), account(name))


def everybody_holds_something(site: Site, card: ProcessorOfTest, service: Keeper) -> Person:
    """Alice, of whom every store and every party has something."""
    from tyst.records import accounts

    pools("192.0.2.32")
    alice = owner_of_addon(site)
    take(alice)
    card.mandates.add(mandate(site))
    form = {"package": "subscription-12", "currency": "EUR", "country": "se", "confirmed": "yes"}
    assert alice.post("/en/account/buy", {**form, "method": "coinpayments"}).status == 302
    accounts.edit(account().handle, site.clock(), email=EMAIL)
    services(site).outbox.post(Letter("hint", EMAIL, "s", "t"))
    assert _until(lambda: services(site).outbox.waiting(EMAIL) == 1)
    services(site).bounces._full(EMAIL)
    service.refuses.add(EMAIL)
    site.gate.counts[account().handle] = 3
    return alice


def _until(true: Any) -> bool:
    import time

    ends = time.monotonic() + 20
    while not true() and time.monotonic() < ends:
        time.sleep(0.01)
    return bool(true())


def test_a_copy_has_every_column_of_hers_and_what_everybody_else_holds(
    site: Site, card: ProcessorOfTest, service: Keeper
) -> None:
    alice = everybody_holds_something(site, card, service)
    document = copied(alice)
    stored = {(table, one["field"]): one["value"] for table, found in document["stored"].items() for one in found}
    assert stored["account", "username"] == "alice" and stored["account", "email"] == EMAIL
    assert stored["account", "password"] == account().password, "the hash, as it is stored"
    assert stored["account", "created_at"] == "2026-03-01 12:00:00"
    assert stored["public_address", "address"] == "192.0.2.32"
    answers = {(one["where"], one["what"]): one["answer"] for one in document["asked"]}
    from tyst.site import holdings

    noted = answers.pop(("site", holdings.NOTED))
    assert set(noted.split(", ")) >= {"expiry 2026-03-01"}, "what the journal for restores has of her"
    assert answers == {
        ("gate", holdings.DEVICES): 3,
        ("braintree", holdings.MANDATE): True,
        ("mailgun", holdings.REFUSING): True,
        ("site", holdings.WAITING): 1,
        ("site", holdings.RETURNED): 1,
        ("site", holdings.OPEN): 1,
    }


def test_somebody_elses_is_not_in_it(site: Site, card: ProcessorOfTest, service: Keeper) -> None:
    everybody_holds_something(site, card, service)
    bob = site.person()
    bob.sign_up("bob")
    document = copied(bob)
    assert "public_address" not in document["stored"] and "alice" not in json.dumps(document)
    assert all(one["answer"] in (0, False, "-") for one in document["asked"])


def test_whatever_is_planted_in_any_column_of_hers_shows_up(site: Site) -> None:
    """Straight into the table, behind the models' backs: the copy reads what is there."""
    from django.db import connection

    from tyst.records import person
    from tyst.records.inventory import inventory

    alice = site.subscriber()
    marks = {"username": "planted-name", "password": "$argon2id$planted", "email": "planted@example.org"}
    marks |= {"created_at": "2020-01-01 01:00:00", "updated_at": "2020-01-02 02:00:00", "language": "no"}
    marks |= {"currency": "USD", "country": "fi", "subscription": "2029-01-01 23:59:59"}
    marks |= {"ipv4": "2029-01-02 23:59:59", "multihop": "2029-01-03 23:59:59", "client_version": "77.1"}
    marks |= {"extension_version": "78.2"}
    flags = {"newsletter", "has_authenticated", "has_connected", "has_ipv6", "compression", "streaming"}
    columns = {one.field for one in inventory().columns if one.table == "account"}
    assert columns == {*marks, *flags, "handle", "campaign"}, "a new column wants a mark here"
    kept = account()
    planted: dict[str, str | int] = {**marks, **dict.fromkeys(flags, 1)}
    for name, value in planted.items():
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE account SET {name} = %s", (value,))
    from tyst.core.owner import OWNER

    kept.refresh_from_db()
    found = person.everything(kept, site.keys.secrets[OWNER]).values()
    assert {name: found["account", name] for name in marks} == marks
    assert all(found["account", name] is True for name in flags)
    assert alice.get("/en/account").status == 200


def test_a_table_that_nobody_can_find_rows_in_fails() -> None:
    from tyst.records import person
    from tyst.records.inventory import inventory

    columns = [one for one in inventory().columns if one.table == "voucher"]
    with pytest.raises(LookupError, match="for: voucher"):
        person.shown([replace(columns[0], export=True)])


def test_every_entry_of_the_inventory_is_shown_asked_for_or_has_a_reason(tables: Path) -> None:
    """The other half of 'complete': who adds a table, a party, a value in RAM or a file must say how a copy has it."""
    from tyst.records import person
    from tyst.records.inventory import inventory, parties
    from tyst.site import copies, holdings

    everything = inventory()
    memory = {(one.room, one.what) for one in everything.memory}
    assert memory == {*holdings.ASKED_MEMORY, *holdings.SILENT_MEMORY}
    assert not set(holdings.ASKED_MEMORY) & set(holdings.SILENT_MEMORY)
    assert parties(everything) == {*holdings.ASKED_PARTIES, *holdings.SILENT_PARTIES}
    assert {one.name for one in everything.files} == {*holdings.ASKED_FILES, *holdings.SILENT_FILES}
    shown = set(person.shown())
    hers = {(one.table, one.field) for one in everything.columns if one.table in person.FINDERS}
    given = {(one.table, one.field) for one in everything.columns if one.export}
    assert hers == given | person.WITHHELD and set(holdings.WITHHELD) == person.WITHHELD
    assert {one.kind for one in everything.sealed} >= copies.OURS
    assert all(one.kind not in copies.OURS for one in everything.sealed if "you" in one.holder)
    nobodys = {"voucher", "location", "node", "node_address", "fleet", "django_migrations", "sqlite_sequence"}
    assert {one.table for one in everything.columns} == shown | copies.NAMELESS | nobodys


def test_every_service_that_could_be_asked_is(site: Site, service: Keeper) -> None:
    """The declared questions are put: for the parties that this site uses, by name."""
    from tyst.mail.config import Config
    from tyst.mail.wiring import service as built
    from tyst.site import holdings

    asked = {(one.where, one.what) for one in holdings.of_site(services(site), 0)}
    assert {(room, what) for (room, _), what in holdings.ASKED_MEMORY.items()} <= asked
    assert {("site", what) for what in holdings.ASKED_FILES.values()} <= asked
    assert {(name, what) for name, what in holdings.ASKED_PARTIES.items() if name != "postmark"} <= asked
    answers = {"mailgun": {"key": "k", "domain": "d"}, "postmark": {"token": "t"}}
    both = Outbox([built(name, Config("a@b.se", (name,), {name: words})) for name, words in answers.items()])
    assert both.listing == ["mailgun", "postmark"]
    plain = Config("a@b.se", ("smtp",), {"smtp": {"host": "h"}})
    assert Outbox([built("smtp", plain)]).listing == []


def test_who_cannot_be_asked_is_said_and_the_rest_is_there(site: Site, card: ProcessorOfTest, service: Keeper) -> None:
    alice = everybody_holds_something(site, card, service)
    card.away = service.away = site.gate.away = True
    document = copied(alice)
    away = {one["where"] for one in document["asked"] if one["answer"] == "could not be asked just now"}
    assert away == {"braintree", "mailgun", "gate"} and document["stored"]["account"]


def test_it_says_that_payment_data_is_not_held_and_whom_to_ask(site: Site, card: ProcessorOfTest) -> None:
    alice = site.subscriber()
    payments = copied(alice)["payments"]
    assert payments["held"] is False and "not able to provide payment data" in payments["why"]
    assert [one["name"].split()[0] for one in payments["ask"]] == ["Swish", "Braintree", "CoinPayments", "Monero"]
    page = copied(alice, "page").text
    assert "We are not able to provide payment data" in page and "CoinPayments" in page


def test_the_readable_page_has_what_the_document_has(site: Site, card: ProcessorOfTest, service: Keeper) -> None:
    alice = everybody_holds_something(site, card, service)
    document, page = copied(alice), copied(alice, "page").text
    for table, found in document["stored"].items():
        for one in found:
            assert f'data-stored="{table}.{one["field"]}"' in page
            value = one["value"]
            assert str(int(value) if isinstance(value, bool) else "null" if value is None else value) in page
    for part, key in (("asked", "what"), ("not_found_by_account", "what"), ("held_by_you", "what")):
        assert all(one[key] in page for one in document[part])
    assert copied(alice, "page").header("Cache-Control") == "no-store"


def test_mallory_with_an_open_browser_gets_no_copy(site: Site) -> None:
    alice = site.subscriber()
    wrong = alice.post("/en/account/copy", {"password": "not hers", "act": "json"})
    assert wrong.status == 422 and b"stored" not in wrong.body and b"argon2id" not in wrong.body
    assert site.person().post("/en/account/copy", {"password": PASSWORD}).status == 302


def code_of(answer: Answer) -> str:
    return answer.element("recovery-code")


def test_the_recovery_code_alone_gives_a_copy_and_stays_good(site: Site) -> None:
    alice = site.person()
    code = code_of(alice.sign_up())
    stranger = site.person("198.51.100.7")
    for _ in range(2):
        answer = stranger.post("/en/your-data", {"code": code, "act": "json"})
        assert json.loads(answer.body)["stored"]["account"][0]["value"] == "alice"
    assert not stranger.jar, "nobody was signed in by it"
    assert "Everything that is kept" in stranger.post("/en/your-data", {"code": code, "act": "page"}).text


def test_the_recovery_code_alone_deletes_after_asking_once(site: Site) -> None:
    alice = site.person()
    code = code_of(alice.sign_up())
    alice.post("/en/account/voucher", {"code": site.voucher()})
    stranger = site.person("198.51.100.7")
    asked = stranger.post("/en/your-data", {"code": code, "act": "ask"})
    assert "You lose 31 days of subscription, to 2026-03-31." in asked.text and account() is not None
    done = stranger.post("/en/your-data", {"code": code, "act": "gone"})
    assert "The account is gone." in done.text and account() is None
    again = stranger.post("/en/your-data", {"code": code, "act": "json"})
    assert again.status == 422, "the code opens nothing any more"


@pytest.mark.parametrize("act", ["page", "json", "ask", "gone", "", "else"])
@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "the name is alice, here is my passport"])
def test_nobody_is_talked_into_anything_without_a_code(site: Site, act: str, code: str) -> None:
    site.subscriber()
    answer = site.person().post("/en/your-data", {"code": code, "act": act, "username": "alice", "email": EMAIL})
    assert answer.status == 422 and account() is not None and "argon2id" not in answer.text


def test_guessing_codes_is_limited(site: Site) -> None:
    mallory = site.person()
    code = code_of(site.person("198.51.100.9").sign_up())
    for _ in range(30):
        mallory.post("/en/your-data", {"code": "wrong", "act": "json"})
    assert mallory.post("/en/your-data", {"code": code, "act": "json"}).status == 422


def test_deleting_removes_everything_that_anybody_holds(site: Site, card: ProcessorOfTest, service: Keeper) -> None:
    from tyst.records.models import Account, PublicAddress

    alice = everybody_holds_something(site, card, service)
    handle = account().handle
    assert alice.post("/en/account/delete", {"password": PASSWORD}).status == 200
    assert not Account.objects.exists() and not PublicAddress.objects.exists() and not card.mandates
    assert handle not in site.gate.counts and not service.refuses
    wait_until(
        lambda: services(site).outbox.waiting(EMAIL) == 0, within=5, what="a letter just on its way to be let go"
    )
    assert services(site).bounces.count(EMAIL) == 0
    assert len(services(site).shop.till) == 0


def test_a_mail_service_that_is_away_is_said_and_keeps_nobody(site: Site, service: Keeper) -> None:
    alice = everybody_holds_something(site, ProcessorOfTest("braintree"), service)
    service.away = True
    gone = alice.post("/en/account/delete", {"password": PASSWORD, "anyway": "1"})
    assert account() is None and 'id="listed"' in gone.text


def test_what_is_lost_is_said_for_the_addons_too(site: Site) -> None:
    alice = owner_of_addon(site)
    page = alice.get("/en/account/delete").text
    assert "You lose 31 days of subscription, to 2026-03-31." in page
    assert "You lose 31 days of Public IPv4, to 2026-03-31." in page and "90 days" in page


def bought(site: Site, card: ProcessorOfTest) -> tuple[Person, str]:
    """Alice has bought a year by card; and her refund code."""
    import re

    alice = site.person()
    alice.sign_up()
    form = {"package": "subscription-12", "currency": "EUR", "country": "se", "confirmed": "yes"}
    assert alice.post("/en/account/buy", {**form, "method": "braintree"}).status == 302
    assert alice.post("/en/account/checkout", {"nonce": "good"}).status == 302
    found = re.search(r'id="refund-code"[^>]*>([^<]+)<', alice.get("/en/paid").text)
    assert found
    return alice, found[1]


def test_her_money_goes_back_before_the_account_goes(site: Site, card: ProcessorOfTest) -> None:
    alice, code = bought(site, card)
    page = alice.get("/en/account/delete").text
    assert "Your account is younger than ten days" in page and "we don't have it" in page
    done = alice.post("/en/account/delete", {"password": PASSWORD, "refund": code})
    assert "The account is gone." in done.text and card.refunded == ["payment-1"] and account() is None


def test_a_refund_that_fails_deletes_nothing(site: Site, card: ProcessorOfTest) -> None:
    alice, code = bought(site, card)
    wrong = alice.post("/en/account/delete", {"password": PASSWORD, "refund": code[:-4] + "AAAA"})
    assert wrong.status == 422 and account() is not None and not card.refunded
    card.away = True
    later = alice.post("/en/account/delete", {"password": PASSWORD, "refund": code})
    assert later.status == 422 and account() is not None
    card.away = False
    assert alice.post("/en/account/delete", {"password": PASSWORD, "refund": ""}).status == 200


def test_after_ten_days_it_is_asked_whether_the_purchase_was_later(site: Site, card: ProcessorOfTest) -> None:
    alice, _ = bought(site, card)
    site.clock.forward(days=11)
    alice.sign_in()
    page = alice.get("/en/account/delete").text
    assert "Was your first purchase within the last ten days?" in page and "younger than ten days" not in page


def test_nobody_gets_a_deleted_name_for_90_days_and_it_is_stored_nowhere(
    site: Site, journal: undone.Undone, tmp_path: Path
) -> None:
    alice = site.subscriber("markedname4471")
    assert alice.post("/en/account/delete", {"password": PASSWORD}).status == 200
    kept = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert kept and b"markedname4471" not in kept
    for days, status in ((0, 422), (89, 422), (1, 200)):
        site.clock.forward(days=days)
        assert site.person().sign_up("MarkedName4471").status == status, f"{days} days later"


def test_another_username_keeps_what_is_hers(site: Site, card: ProcessorOfTest) -> None:
    pools("192.0.2.32")
    alice = owner_of_addon(site)
    take(alice)
    card.mandates.add(mandate(site))
    before = alice.get("/en/account")
    done = alice.post("/en/account/username", {"username": "alicia", "proof": PASSWORD})
    assert done.status == 200 and 'id="renamed"' in done.text
    after = alice.get("/en/account")
    assert after.field("username") == "alicia" and "192.0.2.32" in after.text, "the address moved with her"
    same = ("subscription", "created_at", "country", "ipv4")
    assert [after.field(name) for name in same] == [before.field(name) for name in same]
    assert not card.mandates, "what the processor holds under the old name has ended"
    assert site.person().sign_in("alicia").status == 302 and site.person().sign_in("alice").status == 422
    assert site.person().sign_up("Alice").status == 422, "the old name rests"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"username": "alicia", "proof": "not hers"}, "proof"),
        ({"username": "a b", "proof": PASSWORD}, "username"),
        ({"username": "vpnalice", "proof": PASSWORD}, "username"),
        ({"username": "BOB", "proof": PASSWORD}, "username"),
    ],
)
def test_a_name_is_changed_only_with_the_password_to_a_good_one(site: Site, form: dict[str, str], code: str) -> None:
    site.person().sign_up("bob")
    alice = site.subscriber()
    answer = alice.post("/en/account/username", form)
    assert answer.status == 422 and f'id="{code}-said"' in answer.text and account("alicia") is None


def test_a_name_is_not_changed_while_a_mandate_cannot_be_ended(site: Site, card: ProcessorOfTest) -> None:
    alice = site.subscriber()
    card.away = True
    assert alice.post("/en/account/username", {"username": "alicia", "proof": PASSWORD}).status == 422
    assert account("alice") is not None


def test_a_name_is_not_changed_while_a_payment_is_open(site: Site) -> None:
    """It could not be credited to the new name, and coins have no way back."""
    alice = site.subscriber()
    form = {"package": "subscription-12", "currency": "EUR", "country": "se", "confirmed": "yes"}
    assert alice.post("/en/account/buy", {**form, "method": "coinpayments"}).status == 302
    refused = alice.post("/en/account/username", {"username": "alicia", "proof": PASSWORD})
    assert refused.status == 422 and "A payment of yours is open." in refused.text
    assert 'id="paying"' in alice.get("/en/account/delete").text, "leaving is allowed, and says what is lost"
    site.clock.forward(minutes=31)
    services(site).shop.till._round()
    assert 'id="paying"' not in alice.get("/en/account/delete").text
    assert alice.post("/en/account/username", {"username": "alicia", "proof": PASSWORD}).status == 200


def test_only_the_capitals_of_a_name_change_without_its_resting(site: Site) -> None:
    alice = site.subscriber()
    assert alice.post("/en/account/username", {"username": "Alice", "proof": PASSWORD}).status == 200
    assert alice.post("/en/account/username", {"username": "alice", "proof": PASSWORD}).status == 200


def test_a_wrong_country_is_corrected(site: Site) -> None:
    alice = site.subscriber()
    form = {"language": "en", "currency": "EUR", "country": "fi"}
    assert alice.post("/en/account/settings", form).status == 302 and account().country == "fi"
    assert alice.post("/en/account/settings", {**form, "country": "xx"}).status == 422
    assert account().country == "fi"


def test_correction_covers_every_field_that_is_hers_to_say() -> None:
    """What she may not set is what she bought, what is derived, and times: each for its own reason."""
    from tyst.core.account import FIELDS
    from tyst.records.accounts import EDITABLE

    others = {"username"}  # renaming.py
    bought = {"subscription", "ipv4", "multihop"}
    derived = {"created_at", "updated_at", "has_authenticated", "has_connected", "devices", "campaign"}
    reported = {"client_version", "extension_version"}
    assert EDITABLE | others | bought | derived | reported == set(FIELDS)
