"""Which of the resolver's faces a config names is the customer's choice: on the pages, without JavaScript, and kept by nobody."""

import pytest

from tests.unit.site.browser_key import DeviceKey
from tests.unit.site.conftest import Site
from tyst.core.faces import CLEAN, FACES, FAMILY, PLAIN, Face
from tyst.core.openvpn.profile import parse

PROFILE = "/en/account/openvpn/se-sto-udp.ovpn"


@pytest.mark.parametrize("face", FACES)
def test_a_registered_key_gets_the_dns_line_that_alice_picked(site: Site, face: Face) -> None:
    assert DeviceKey().send(site.subscriber(), dns=face.word).json["dns"] == face.text


def test_without_a_choice_or_with_a_senseless_one_nothing_is_blocked(site: Site) -> None:
    alice = site.subscriber()
    assert DeviceKey().send(alice).json["dns"] == DeviceKey().send(alice, dns="x" * 500).json["dns"] == PLAIN.text
    assert parse(alice.get(f"{PROFILE}?dns=nothing").text).face == PLAIN


def test_a_profile_names_the_face_of_its_address(site: Site) -> None:
    alice = site.subscriber()
    for face in FACES:
        assert parse(alice.get(f"{PROFILE}?dns={face.word}").text).face == face
    assert alice.get(PROFILE).text == alice.get(f"{PROFILE}?dns=plain").text


def test_the_pages_offer_all_three_and_their_links_carry_the_choice(site: Site) -> None:
    alice = site.subscriber()
    page = alice.get("/en/account/openvpn?dns=family").text
    assert f'value="{FAMILY.word}" selected' in page and f'href="{PROFILE}?dns=family"' in page
    assert "?dns=" not in alice.get("/en/account/openvpn").text
    wireguard = alice.get("/en/account/wireguard").text
    assert all(f'value="{face.text}"' in wireguard and f'value="{face.word}"' in wireguard for face in FACES)
    assert "Blocks ads, trackers and malware" in wireguard and CLEAN.word in page
