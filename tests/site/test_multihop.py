"""Alice picks two servers: on the WireGuard page for a file, on the multihop page (without a script) for a profile."""

from pathlib import Path

from tests.site.conftest import Open
from tyst.core.openvpn.profile import parse
from tyst.core.wireguard.config import from_text, to_text


def test_a_file_for_two_servers_has_the_exits_key_and_the_entrys_address(visit: Open, downloads: Path) -> None:
    alice = visit()
    alice.sign_up("alice-hops")
    alice.redeem()
    alice.to("/en/account/wireguard")
    alice.page.click("#make")
    alice.page.wait_for_selector("#wireguard-qr svg")
    alice.page.select_option("#wireguard-node", "se-sto")
    directly = from_text(alice.page.text_content("#wireguard-text") or "")
    alice.page.select_option("#wireguard-entry", "de-fra")
    text = alice.page.text_content("#wireguard-text") or ""
    config = from_text(text)
    assert (config.node_key, config.private_key) == (directly.node_key, directly.private_key)
    assert config.endpoint != directly.endpoint and 30000 < config.port < 40000
    with alice.page.expect_download() as waiting:
        alice.page.click("#wireguard-download")
    name = waiting.value.suggested_filename
    assert name.startswith("mh-de") and len(name) <= 15 + len(".conf")
    waiting.value.save_as(downloads / name)
    assert (downloads / name).read_text() == text == to_text(config)
    alice.page.select_option("#wireguard-node", "de-fra")
    assert alice.page.input_value("#wireguard-entry") == "", "an entry is no exit"
    assert alice.page.locator("#wireguard-entry option").count() == 2


def test_a_profile_needs_no_javascript(visit: Open, downloads: Path) -> None:
    signed_in = visit()
    signed_in.sign_up("alice-plain")
    signed_in.redeem()
    alice = visit(java_script_enabled=False, storage_state=signed_in.context.storage_state())
    alice.to("/en/account/multihop")
    alice.page.select_option("#entry", "de-fra")
    alice.page.select_option("#exit", "se-sto")
    alice.send()
    assert "PublicKey = " in (alice.page.text_content("#lines") or "")
    with alice.page.expect_download() as waiting:
        alice.page.click("#profile")
    file = downloads / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.name.startswith("mh-de") and parse(file.read_text()).server_name == "se-sto.node.tyst"
