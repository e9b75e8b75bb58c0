"""The policy pages say all that they must: our promises, every entry of the inventory, and nothing that isn't so."""

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.site.conftest import Site
from tests.unit.site.processor import ProcessorOfTest
from tyst.core.account import FIELDS
from tyst.payments.braintree import fields as card
from tyst.records import inventory as declared
from tyst.records.inventory import Host, Inventory, inventory
from tyst.site.hosting import PROMISES, Hosting, HostingError, load

SITE = Path(__file__).resolve().parents[3] / "src/tyst/site"
PREFIXES = {"en": "en", "sv": "sv", "de": "de", "no": "nb"}

# What the policy promises, in our words: where the page says it, and by which sentence of it. A promise of the
# operator's alone (`hosting.toml`, the fleet's table) is said when she has made it; this test makes all of them.
TABLE: Sequence[tuple[str, str, str]] = (
    ("who provides the service", "general", "This service is provided by Tyst AB:"),
    ("“we” is that provider", "general", "“We” below means that provider."),
    ("a person can be asked", "general", "A person answers at help@tyst.test."),
    (
        "nobody knows who is connected, what they do, when",
        "use",
        "So we don't know who is connected, what they do or when,",
    ),
    ("nothing leads to an account", "use", "and nothing of it leads to an account."),
    ("no traffic is logged", "use", "no traffic"),
    ("no timestamps are logged", "use", "no times of connections"),
    ("no DNS requests are logged", "use", "no DNS questions"),
    ("no IP addresses are logged", "use", "no IP addresses, neither yours nor those you are given"),
    ("no MAC addresses are logged", "use", "no MAC addresses"),
    ("no user's bandwidth is logged", "use", "no bandwidth of single users"),
    ("every server is owned", "servers", "We own every single server."),
    ("servers without disks", "servers", "Our VPN servers run without any disk: what they hold is in memory"),
    ("tmpfs", "servers", "all that we keep is in memory (tmpfs)"),
    ("OpenVPN can't write", "servers", "OpenVPN's processes can't write anywhere"),
    ("no system logs", "servers", "System logs are off on our VPN servers."),
    ("no console, keyboard, USB", "servers", "Our VPN servers take no console, no keyboard and no USB device."),
    ("a court gets no activity", "courts", "can't be given to anyone, because it doesn't exist."),
    ("a court gets the account's fields", "courts", "the fields of the account below without the password"),
    ("and the method of payment", "courts", "and by what means it pays, where that is known."),
    (
        "only for one person",
        "courts",
        "That takes an order about one named person, to say whether she has an account here.",
    ),
    ("no information was ever given", "courts", "We have given no information about any of our users to anybody."),
    ("the website's machine is owned", "servers", "Our website runs on a machine that we own."),
    ("and where it is", "servers", "The machine of our website is in Stockholm."),
    ("analytics: anonymous there, none here", "website", "no analytics, no chat, no advertising"),
    ("support: what it learns of accounts", "website", "gets nothing of your account unless you tell it."),
    ("Mailgun sends mail", "website", "Mailgun, a mail service"),
    ("Postmark sends mail", "website", "Postmark, a mail service"),
    ("Braintree takes cards", "website", "Braintree (a PayPal company)"),
    ("it is certified", "website", "which is certified for them (PCI DSS)."),
    ("no payment information is stored", "website", "No payment information is stored with us."),
    ("Swish takes payments", "website", "Swish (Getswish AB) and your bank"),
    ("CoinPayments takes coins", "website", "CoinPayments, if you pay with coins other than Monero"),
    ("advertising channels see nothing", "website", "We advertise nowhere, so nobody reports to us, or learns,"),
    ("others' cookies", "cookies", "All of them are ours."),
    ("the session's cookie", "cookies", "Keeps you signed in."),
    ("the language's cookie", "cookies", "Your language is in the page's address, not in a cookie."),
    ("signing in automatically", "cookies", "Signs you in automatically, if you ticked the box."),
    (
        "user name and password, nothing else",
        "account",
        "To sign up you choose a user name and a password, nothing else.",
    ),
    ("mail is optional, and advised", "account", "A mail address is up to you. It helps:"),
    ("mail: recovery", "account", "for a password that got lost,"),
    ("mail: notices of what is due", "account", "for reminders before your time ends,"),
    ("mail: receipts", "account", "for receipts,"),
    ("mail: newsletter", "account", "and for a newsletter if you want it."),
    ("all that is stored", "account", "All that is stored for each account,"),
    *((f"the field {name} is named", "account", name) for name in FIELDS),
    ("the password is hashed", "account", "The password is hashed with argon2id, with a salt of its own,"),
    ("times are rounded", "account", "Times of accounts are rounded to the hour,"),
    ("flags don't say when", "account", "Whether you ever connected. Not when, not where."),
    ("flags: statistics", "account", "to count how many, never who."),
    ("flags: help for newcomers", "account", "we write once to offer help."),
    ("IPv6 is hers to choose", "account", "Whether your tunnels carry IPv6."),
    ("compression is hers to choose", "account", "Whether your OpenVPN profiles accept compression."),
    ("streaming is hers to choose", "account", "Whether streaming services are to be routed specially for you."),
    ("the country is for VAT", "account", "The country is that of the address you signed up from, for VAT."),
    ("its address isn't kept", "account", "The address itself is forgotten at once."),
    ("devices: 0 to 4", "use", "a number from 0 to 4 in one machine's memory."),
    ("devices: no device is identified", "use", "and belongs to no device."),
    ("a version is coarse", "account", "is written once a day for everybody together, in shuffled order,"),
    ("nothing of use can be shared", "confidentiality", "we can't share with anybody, for it isn't there to share."),
    ("no mail address is needed", "confidentiality", "And no mail address is needed to sign up."),
    ("correction, deletion, copy at any time", "rights", "Have it corrected, have it deleted, get a copy of it,"),
    ("deletion on request", "rights", "What you delete is gone from our live systems at once,"),
    ("paid time goes with it", "rights", "and the time you had left goes with it."),
    ("a month at most", "rights", "Backups follow within a month,"),
    ("by support too", "rights", "Whoever can't sign in asks us,"),
    ("no payment data in a copy", "rights", "Payments aren't stored by us, so a copy can't have them."),
)


def open_sections(text: str) -> dict[str, str]:
    """The visible text of each section, by its id."""
    found = re.findall(r'<section id="([a-z]+)">(.*?)</section>', text, re.S)
    return {name: " ".join(html.unescape(re.sub(r"<[^>]+>", "", body)).split()) for name, body in found}


def missing(text: str, table: Iterable[tuple[str, str, str]]) -> list[str]:
    """The promises that the page doesn't make where the table says so."""
    sections = open_sections(text)
    return [promise for promise, section, sentence in table if sentence not in sections.get(section, "")]


@pytest.fixture
def providers() -> Sequence[Any]:
    return (ProcessorOfTest("swish"),)


@pytest.fixture
def promising(site: Site, tmp_path: Path) -> Site:
    """A site whose operator promises everything, owns everything and has never given anything."""
    from tyst.records import transparency
    from tyst.records.models import Node

    Node.objects.update(owned=True)
    transparency.found(tmp_path, date(2026, 3, 1))
    hosting = Hosting("Stockholm", "help@tyst.test", tuple(PROMISES))
    _change(site, hosting=hosting, transparency=tmp_path / transparency.FOLDER)
    return site


def _change(site: Site, **words: Any) -> None:
    site.door.services = replace(site.door.services, **words)


def page(site: Site, path: str = "/en/privacy") -> str:
    answer = site.person().get(path)
    assert answer.status == 200
    return answer.body.decode()


def test_the_page_makes_every_promise(promising: Site) -> None:
    assert missing(page(promising), TABLE) == []


def test_a_promise_that_is_left_out_is_noticed(promising: Site) -> None:
    text = page(promising).replace("no MAC addresses", "")
    assert missing(text, TABLE) == ["no MAC addresses are logged"]
    courts = re.sub(r'<section id="courts">.*?</section>', "", page(promising), flags=re.S)
    assert missing(courts, TABLE) == [promise for promise, section, _ in TABLE if section == "courts"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_it_has_the_same_parts_in_each_language(promising: Site, prefix: str) -> None:
    english, theirs = open_sections(page(promising)), open_sections(page(promising, f"/{prefix}/privacy"))
    assert list(theirs) == list(english)
    source = page(promising, f"/{prefix}/privacy")
    for tag in ("<li", "<p", "<tr", "<td", "<code"):
        assert source.count(tag) == page(promising).count(tag), tag


def test_what_the_operator_doesnt_promise_isnt_said(site: Site) -> None:
    text = page(site)
    assert not [sentence for sentence in map(str, PROMISES.values()) if sentence in html.unescape(text)]
    assert "We own 1 of 2 servers." in text and "We own every" not in text
    assert "A person answers" not in text and "The machine of our website" not in text
    assert "We have given no information" not in text, "there are no signed counters"


def test_the_claim_goes_when_the_counters_say_otherwise(promising: Site, tmp_path: Path) -> None:
    from tyst.core.court import Answer, Asked
    from tyst.records import transparency

    claim = "We have given no information about any of our users to anybody."
    transparency.count(tmp_path, Asked.DISCLOSURE, "se", Answer.NO_ACCOUNT, date(2026, 3, 2))
    assert claim in page(promising)
    transparency.count(tmp_path, Asked.DISCLOSURE, "se", Answer.GIVEN, date(2026, 3, 2))
    assert claim not in page(promising)


def test_the_sample_has_the_true_form_of_every_field(tables: Path) -> None:
    from argon2 import extract_parameters

    from tyst.core.transient import Transient
    from tyst.records.models import Account
    from tyst.site.pages.policy import SAMPLE
    from tyst.site.passwords import Passwords

    assert tuple(SAMPLE) == FIELDS
    times = {
        name: datetime.fromisoformat(SAMPLE[name]).replace(tzinfo=UTC) for name in SAMPLE if _is_time(SAMPLE[name])
    }
    values = {name: value for name, value in {**SAMPLE, **times}.items() if name != "devices"}
    Account(handle=b"s" * 16, **values).save(force_insert=True)
    row = Account.objects.filter(handle=b"s" * 16).values(*values).get()
    assert row == values
    Account.objects.filter(handle=b"s" * 16).delete()
    assert extract_parameters(SAMPLE["password"]) == extract_parameters(Passwords().hash(Transient("any password")))


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\d .*", value))


def shown(site: Site) -> str:
    """The visible text of the policy and the third parties' page."""
    both = page(site) + page(site, "/en/third-parties")
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", both)).split())


def unsaid(of: Inventory, text: str) -> list[str]:
    """The texts of an inventory that no page shows."""
    return sorted(one for one in of.texts() if " ".join(one.split()) not in text)


def test_every_text_of_the_inventory_is_on_the_pages(site: Site) -> None:
    assert unsaid(inventory(), shown(site)) == []


def planted() -> Inventory:
    """The inventory with an entry more in each section, whose texts nobody else has."""
    more: dict[str, Any] = {}
    for part in fields(Inventory):
        form = declared._SECTIONS[part.name]
        words: dict[str, Any] = {one.name: f"planted {part.name} {one.name}" for one in fields(form)}
        words |= {"dpv": "pd:UID", "legal_basis": "eu-gdpr:A6-1-b", "country": "none", "role": "dpv:DataProcessor"}
        words = {name: word for name, word in words.items() if name in {one.name for one in fields(form)}}
        if "party" in words:
            words["party"] = (
                "planted outgoing: planted receiver" if part.name == "outgoing" else "planted parties folder"
            )
        if form is Host:
            words |= {"origins": ("https://planted.test",)}
        more[part.name] = [*getattr(inventory(), part.name), form(**words)]
    return Inventory(**more)


def test_what_is_added_to_any_section_appears(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from tyst.site.pages import policy

    wide = planted()
    assert len(wide.texts()) > len(inventory().texts()) + 20
    assert unsaid(wide, shown(site)) != [], "not before it is declared"
    monkeypatch.setattr(policy, "inventory", lambda: wide)
    text = shown(site)
    assert "https://planted.test" in text and "planted columns field" in text and "planted cookies name" in text
    assert [one for one in unsaid(wide, text) if one != "planted receiver"] == []


def test_a_section_that_no_page_shows_would_be_noticed(site: Site) -> None:
    text = shown(site).replace("Go's collector runs every two minutes", "")
    assert len(unsaid(inventory(), text)) == 1


def names_in_table(text: str) -> list[str]:
    """The first cells of a page's table."""
    return re.findall(r'<th scope="row"><code>([^<]*)</code>', text)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_cookie_page_names_our_cookies_and_no_other(site: Site, prefix: str) -> None:
    text = page(site, f"/{prefix}/cookies")
    assert names_in_table(text) == [one.name for one in inventory().cookies]


def cookie_names(source: str) -> set[str]:
    """What a file of the site hands to `set_cookie`, or to the helper that does."""
    return set(re.findall(r"(?:set_cookie|_put)\(\s*(?:response, )?([\w.]+|\"[^\"]*\")", source))


def test_the_program_can_set_the_declared_cookies_and_no_other() -> None:
    from tyst.site import sessions, shop

    found = set().union(*(cookie_names(path.read_text("utf-8")) for path in SITE.rglob("*.py")))
    known = {"SESSION": sessions.SESSION, "REMEMBER": sessions.REMEMBER, "shop.COOKIE": shop.COOKIE}
    assert found - {"name", "response"} == set(known), "a cookie by a name that this test can't follow"
    assert set(known.values()) == {one.name for one in inventory().cookies}
    assert cookie_names('response.set_cookie("ad", "x")') == {'"ad"'}
    scripts = [
        path for path in (SITE / "frontend").glob("*.ts") if re.search(r"document\.cookie|Storage\b", path.read_text())
    ]
    assert scripts == [], "nothing is kept in a browser in another way"


def parties(text: str) -> dict[str, str]:
    """Each party's part of the page, by name."""
    found = re.findall(r"<section>\s*<h2>(.*?)</h2>(.*?)</section>", text, re.S)
    return {html.unescape(name): html.unescape(body) for name, body in found}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_list_of_third_parties_is_the_list_of_services(site: Site, prefix: str) -> None:
    found = parties(page(site, f"/{prefix}/third-parties"))
    assert {one.name for one in inventory().parties} == set(found)
    assert {one.folder for one in inventory().parties} == declared.services() == declared.parties(inventory())


def test_it_says_who_is_used_here(site: Site) -> None:
    used = {name for name, body in parties(page(site, "/en/third-parties")).items() if "Used here." in body}
    assert used == {"Swish (Getswish AB)"}


def openable() -> set[tuple[str, str]]:
    """(directive, origin) of all that any setting of the card processor opens the card page for."""
    allowed: list[Mapping[str, Sequence[str]]] = [
        card.places(environment, three_d_secure=secure)[1].allow
        for environment in card.ENVIRONMENTS
        for secure in (False, True)
    ]
    return {(name, origin) for one in allowed for name, origins in one.items() for origin in origins}


def test_pages_can_be_opened_for_the_declared_hosts_and_no_other(site: Site) -> None:
    hosts = {(one.directive, origin) for one in inventory().hosts for origin in one.origins}
    assert openable() == hosts
    text = page(site, "/en/third-parties")
    assert all(origin in text for _, origin in hosts)
    assert ("script-src", f"https://{card.SCRIPTS.split('/')[2]}") in hosts


@pytest.mark.parametrize(
    ("directive", "origin", "party"),
    [
        ("script-src", "https:", "braintree"),
        ("script-src", "http://a.test", "braintree"),
        ("script-src", "'unsafe-inline'", "braintree"),
        ("style-src", "https://a.test", "braintree"),
        ("img-src", "https://a.test/pixel", "braintree"),
        ("img-src", "https://a.test", "matomo"),
    ],
)
def test_a_host_that_no_page_may_load_from_cant_be_declared(directive: str, origin: str, party: str) -> None:
    more = f'[[host]]\nparty = "{party}"\nwhen = "x"\ndirective = "{directive}"\norigins = ["{origin}"]\n'
    with pytest.raises(declared.InventoryError):
        declared.parse(declared.FILE.read_text() + more)


def test_machines_get_the_same_in_the_vocabulary(site: Site) -> None:
    from tyst.records import vocabulary

    answer = site.person().get("/privacy.json")
    assert answer.status == 200 and answer.header("content-type") == "application/ld+json"
    nodes = answer.json["@graph"]
    assert len({one["@id"] for one in nodes}) == len(nodes)
    parts: tuple[Any, ...] = (
        inventory().columns,
        inventory().files,
        inventory().cookies,
        inventory().sealed,
        inventory().memory,
    )
    parts += (inventory().logs, inventory().metrics, inventory().outgoing, inventory().parties)
    assert len(nodes) == 1 + sum(map(len, parts))
    assert nodes[0] == {"@id": "#controller", "@type": "dpv:DataController", "dpv:hasName": "Tyst AB"}
    known = vocabulary.KINDS | set(vocabulary.BASES) | {one["@id"] for one in nodes}
    assert {one for node in nodes for one in _references(node)} <= known
    assert set(answer.json["@context"]) == {"dpv", "pd", "eu-gdpr", "dct"}
    assert site.person().get("/privacy.json").header("cache-control") == "no-store"


def _references(node: Any) -> list[str]:
    """What a node points to."""
    found = [value["@id"] for value in node.values() if isinstance(value, dict) and "@id" in value]
    return found + [one for value in node.values() if isinstance(value, dict) for one in _references(value)]


def test_an_operator_who_isnt_known_is_not_named(tables: Path) -> None:
    from tyst.records import linked

    text = json.dumps(linked.document(planted()))
    assert "controller" not in text and "planted columns purpose" in text and "planted memory what" in text


def test_the_operators_file_is_read(tmp_path: Path) -> None:
    assert load(tmp_path) == Hosting()
    (tmp_path / "hosting.toml").write_text('place = "Stockholm"\ncontact = "a@b.test"\npromises = ["no-disks"]\n')
    assert load(tmp_path) == Hosting("Stockholm", "a@b.test", ("no-disks",))


@pytest.mark.parametrize("text", ['promises = ["no-logs"]', "promises = 1", "place = 1", 'owner = "x"', "place ="])
def test_a_promise_that_nobody_knows_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "hosting.toml").write_text(text)
    with pytest.raises(HostingError):
        load(tmp_path)


def test_the_site_does_not_start_on_tables_that_the_policy_doesnt_describe(tables: Path) -> None:
    from django.db import connection, transaction

    from tyst.records.schema import SchemaError
    from tyst.site import wiring

    wiring._refuse_other_tables()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE account ADD COLUMN last_seen text")
        with pytest.raises(SchemaError, match="last_seen"):
            wiring._refuse_other_tables()
        transaction.set_rollback(True)
    wiring._refuse_other_tables()
