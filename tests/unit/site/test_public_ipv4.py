"""The page of the public address: what it says, who gets one, and that leaving gives it back."""

import re

from tests.unit.site.conftest import Site
from tests.unit.site.person import Answer, Person
from tyst.core.voucher import hash_of, new_code

PAGE = "/en/account/ipv4"


def pools(*addresses: str) -> None:
    from tyst.records.models import NodeAddress

    for address in addresses:
        NodeAddress(address=address, node_id="se-sto", use="public").save(force_insert=True)


def owner_of_addon(site: Site, name: str = "alice") -> Person:
    from tyst.records.models import Voucher

    person = site.subscriber(name)
    code = new_code(name.ljust(10).encode())
    Voucher(hash=hash_of(code), days=30, product="ipv4").save(force_insert=True)
    assert person.post("/en/account/voucher", {"code": code}).status == 200
    return person


def take(person: Person, node: str = "se-sto") -> Answer:
    return person.post(PAGE, {"action": "take", "node": node})


def address(answer: Answer) -> str:
    found = re.search(r'id="address">([^<]*)<', answer.text)
    return found[1] if found else ""


def test_the_page_says_before_all_else_that_this_ties_an_address_to_the_account(site: Site) -> None:
    pools("192.0.2.32")
    alice = owner_of_addon(site)
    text = alice.get(PAGE).text
    assert text.index("This ties an address to your account.") < text.index("Get an address")


def test_alice_takes_changes_and_gives_back_her_address(site: Site) -> None:
    pools("192.0.2.32", "192.0.2.33")
    alice = owner_of_addon(site)
    first = address(take(alice))
    second = address(take(alice))
    assert {first, second} == {"192.0.2.32", "192.0.2.33"}
    assert alice.get("/en/account").element("own-address") == second
    none_left = take(alice)
    assert none_left.status == 422 and address(none_left) == second
    given = alice.post(PAGE, {"action": "release"})
    assert given.status == 200 and address(given) == "" and 'id="own-address"' not in alice.get("/en/account").text
    assert alice.post(PAGE, {"action": "release"}).status == 200, "again is no harm"


def test_without_the_addon_nobody_gets_one(site: Site) -> None:
    pools("192.0.2.32")
    bob = site.subscriber("bob")
    assert "Get an address" not in bob.get(PAGE).text
    refused = take(bob)
    assert refused.status == 422 and "add-on" in refused.text and address(refused) == ""


def test_a_server_that_is_none_or_has_none_gives_nothing(site: Site) -> None:
    alice = owner_of_addon(site)
    for node in ("se-sto", "nowhere", "", "' OR 1"):
        assert take(alice, node).status == 422


def test_deleting_the_account_gives_it_back_and_a_rekey_does_not(site: Site) -> None:
    from tyst.records.models import NodeAddress, PublicAddress

    pools("192.0.2.32")
    alice = owner_of_addon(site)
    assert address(take(alice)) == "192.0.2.32"
    assert alice.post("/en/account/rekey").status == 200
    assert address(alice.get(PAGE)) == "192.0.2.32"
    assert alice.post("/en/account/delete", {"password": "a quiet passphrase"}).status == 200
    assert not PublicAddress.objects.exists()
    assert NodeAddress.objects.get().rests is not None
    again = owner_of_addon(site)
    assert address(again.get(PAGE)) == "" and take(again).status == 422, "it rests"


def test_strangers_are_led_to_the_signin_page(site: Site) -> None:
    assert site.person().get(PAGE).status == site.person().post(PAGE, {"action": "take"}).status == 302
