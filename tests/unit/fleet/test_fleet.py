"""The operator's hand: founding once, adding nodes, revoking them, issuing vouchers that are found again."""

import time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from tests.contract.gate_cast import found
from tyst.core import keyring
from tyst.core.tokens import Enrolment, from_text, open_token
from tyst.core.voucher import hash_of, normalise
from tyst.fleet import founding, nodes
from tyst.fleet.tls_crypt import static_key
from tyst.fleet.voucher_command import issue
from tyst.gate import wiring
from tyst.messages.codec import decode
from tyst.messages.fleet import JoinToken
from tyst.records.statements import RecordsError, open_records

STO = nodes.Wanted("se-sto", "Stockholm", "se", IPv4Address("192.0.2.10"), IPv6Address("2001:db8::10"))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    found(tmp_path / "tyst")
    return tmp_path / "tyst"


def test_everything_that_was_founded_is_its_owners_alone(state: Path) -> None:
    assert state.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in state.iterdir()} >= {"gate.keys", "site.keys", "ca.crt", "records.sqlite3"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in state.iterdir())


def test_founding_twice_overwrites_nothing(state: Path) -> None:
    before = (state / "gate.keys").read_bytes()
    with pytest.raises(founding.FoundingError):
        founding.found(founding.Plan(state, "https://tyst.test", ["gate.tyst.test"]), now=time.time())
    assert (state / "gate.keys").read_bytes() == before


def test_the_site_holds_no_key_of_an_authority(state: Path) -> None:
    site = keyring.from_text((state / "site.keys").read_bytes(), room="site")
    assert not {wiring.FLEET_SECRET, wiring.OPENVPN_SECRET} & set(site.secrets) and site.hpke == ()


def test_a_nodes_token_says_where_the_gate_is_and_opens_at_the_gate(state: Path) -> None:
    nodes.add(state, STO)
    token = decode(from_text(nodes.token(state, "se-sto", None)), JoinToken)
    gate = keyring.from_text((state / "gate.keys").read_bytes(), room="gate")
    assert token.gate == "https://gate.tyst.test:8443"
    assert open_token(gate.seal, Enrolment, token.sealed, now=int(time.time())).name == "se-sto"


def test_a_revoked_node_gets_no_token_until_it_is_added_again(state: Path) -> None:
    nodes.add(state, STO)
    nodes.revoke(state, "se-sto")
    with pytest.raises(nodes.FleetError):
        nodes.token(state, "se-sto", None)
    assert "revoked" in nodes.listing(state)[0]
    nodes.add(state, STO)
    assert nodes.token(state, "se-sto", None)


@pytest.mark.parametrize("name", ["", "A", "se_sto", "-sto", "x" * 40, "se-sto\n"])
def test_a_node_with_an_impossible_name_is_refused(state: Path, name: str) -> None:
    with pytest.raises(nodes.FleetError):
        nodes.add(state, nodes.Wanted(name, "Stockholm", "se", STO.ipv4, STO.ipv6))


def test_vouchers_are_in_the_records_as_hashes_only(state: Path) -> None:
    codes = issue(state, days=30, count=3)
    assert len(set(codes)) == 3 and all(normalise(code) == code for code in codes)
    content = (state / "records.sqlite3").read_bytes()
    for code in codes:
        assert hash_of(code) in content and code.encode() not in content


def test_a_folder_without_records_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(RecordsError):
        open_records(tmp_path / "records.sqlite3")


def test_a_static_key_file_has_sixteen_lines_of_sixteen_bytes() -> None:
    lines = static_key(lambda n: bytes(range(256))[:n]).splitlines()
    body = lines[lines.index("-----BEGIN OpenVPN Static key V1-----") + 1 : -1]
    assert bytes.fromhex("".join(body)) == bytes(range(256)) and {len(line) for line in body} == {32}
