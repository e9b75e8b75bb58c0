"""The multihop page: two servers make a profile and two lines of a config; one server makes none."""

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.site.browser_key import DeviceKey
from tests.unit.site.conftest import Site
from tyst.core.multihop import End, Pair
from tyst.core.openvpn.profile import parse
from tyst.core.wireguard.config import key_text
from tyst.site.sentences import SENTENCES

FRONTEND = Path(__file__).parents[3] / "src/tyst/site/frontend"
PAGE, PROFILE = "/en/account/multihop", "/en/account/multihop/profile.ovpn"
PAIR = "?entry=de-fra&exit=se-sto"


def numbers() -> dict[str, int]:
    from tyst.records.models import Node

    return {row.name: row.number for row in Node.objects.all()}


def keys() -> dict[str, str]:
    from tyst.records.models import Node

    return {row.name: key_text(bytes(row.wireguard_public)) for row in Node.objects.all()}


def test_the_page_says_what_it_is_and_that_alice_has_it_not(site: Site) -> None:
    page = site.subscriber().get(PAGE)
    assert page.status == 200
    assert "In at one server, out at another" in page.text and "your account has none now" in page.text
    assert "Endpoint" not in page.text and "<script" not in page.text


def test_with_the_add_on_it_says_until_when(site: Site) -> None:
    from tyst.records.models import Account

    alice = site.subscriber()
    Account.objects.update(multihop=site.clock.moment.replace(month=6, day=30, hour=23, minute=59, second=59))
    page = alice.get(PAGE).text
    assert "2026-06-30" in page and "your account has none now" not in page


def test_a_pair_is_the_exits_key_at_the_entrys_address(site: Site) -> None:
    page = site.subscriber().get(PAGE + PAIR).text
    assert f"PublicKey = {keys()['se-sto']}\nEndpoint = 203.0.113.10:{30000 + numbers()['se-sto']}" in page
    assert f"]:{30000 + numbers()['se-sto']}" in page
    assert keys()["de-fra"] not in page


def test_its_profile_leads_to_the_entry_and_names_the_exit(site: Site) -> None:
    answer = site.subscriber().get(PROFILE + PAIR)
    value, port = parse(answer.text), 20000 + numbers()["se-sto"]
    assert value.server_name == "se-sto.node.tyst"
    assert str(value.remotes[0].address) == "203.0.113.10"
    assert {(one.port, one.protocol) for one in value.remotes} == {(port, "udp")} and len(value.remotes) == 2
    name = f"mh-de{numbers()['de-fra']}-se{numbers()['se-sto']}.ovpn"
    assert f'filename="{name}"' in dict(answer.headers)["Content-Disposition"]


@pytest.mark.parametrize(
    "query",
    [
        "?entry=se-sto&exit=se-sto",
        "?entry=se-sto",
        "?exit=se-sto",
        "?entry=se-sto&exit=nowhere",
        "?entry=%0aremote&exit=se-sto",
    ],
)
def test_what_is_no_pair_is_refused_with_a_sentence(site: Site, query: str) -> None:
    alice = site.subscriber()
    for address in (PAGE, PROFILE):
        answer = alice.get(address + query)
        assert answer.status == 422
        assert str(SENTENCES["no-pair"]) in html.unescape(answer.text), answer.text[1500:4000]
    assert alice.get(PROFILE).status == 404


def test_strangers_are_led_to_the_sign_in_page(site: Site) -> None:
    for address in (PAGE, PROFILE + PAIR):
        assert site.person().get(address).status == 302


def test_the_browser_is_told_every_servers_number(site: Site) -> None:
    body = DeviceKey().send(site.subscriber()).json
    assert {node["name"]: node["number"] for node in body["nodes"]} == numbers()


def test_browser_and_server_name_a_pair_alike(tmp_path: Path) -> None:
    pairs = [(End("a", "se", one), End("b", "de", other)) for one, other in ((1, 2), (3, 1), (999, 998), (9998, 9999))]
    nodes = [
        [{"name": e.name, "city": "", "country": e.country, "number": e.number, "key": e.name, "endpoint": "192.0.2.1:5"}
         for e in pair]
        for pair in pairs
    ]  # fmt: skip
    script = tmp_path / "try.ts"
    script.write_text(
        f'import {{ wayTo }} from "{FRONTEND}/multihop.ts";\n'
        f"const pairs = {json.dumps(nodes)};\n"
        "console.log(JSON.stringify(pairs.map(([entry, exit]) => [wayTo(exit, entry), wayTo(exit)])));\n"
    )
    esbuild = Path(__file__).parents[3] / "node_modules/.bin/esbuild"
    built = subprocess.run(
        [esbuild, script, "--bundle", "--format=esm"], capture_output=True, text=True, check=True, timeout=30
    )
    done = subprocess.run(
        ["node", "--input-type=module"], input=built.stdout, capture_output=True, text=True, check=True, timeout=30
    )
    for (entry, leaving), (through, directly) in zip(pairs, json.loads(done.stdout), strict=True):
        pair = Pair(entry, leaving)
        assert through == {"name": pair.file_name, "key": "b", "endpoint": f"192.0.2.1:{pair.wireguard_port}"}
        assert directly["endpoint"] == "192.0.2.1:5"
        assert re.fullmatch(r"[A-Za-z0-9-]{1,15}", pair.file_name)
