"""The whole proof on a host: what a person leaves is found wherever it is left, and gone when it is gone."""

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

import pytest

from tyst.core.residue import MarkKind
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.proof.allowed import Allowed, Memory
from tyst.proof.control import ControlResult
from tyst.proof.marks import Places, Seed, draw_seed
from tyst.proof.report import Report
from tyst.proof.run import Proof

pytestmark = pytest.mark.lab
PLACES = Places(IPv4Network("198.18.0.0/15"), IPv6Network("2001:db8::/48"))
HOLD = """
import os, sys
held = bytearray(64)
count = os.readv(0, [held])
print("ready", flush=True)
os.read(0, 1)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.build(hosts=["se-sto", "control"]) as built:
        yield built


@pytest.fixture(scope="module")
def control(lab: Lab) -> ControlResult:
    return Proof([lab["se-sto"], lab["control"]], []).control()


@pytest.fixture
def seed() -> Seed:
    return draw_seed(["alice"], PLACES)


def scan(lab: Lab, control: ControlResult, seed: Seed, allowed: Allowed | None = None) -> Report:
    proof = Proof([lab["se-sto"], lab["control"]], seed.all, allowed=allowed)
    proof._result = control  # planted once for the module
    return proof.scan("closed")


def places(report: Report) -> set[tuple[str, str, str]]:
    return {(found.room, found.kind, found.mark) for found in report.found}


def test_a_network_where_nothing_happened_passes(lab: Lab, control: ControlResult, seed: Seed) -> None:
    report = scan(lab, control, seed)
    assert report.reasons() == []
    assert report.passed
    assert {row.room for row in report.rows} == {"se-sto", "control", "machine"}


@pytest.mark.parametrize(
    ("command", "kind", "mark"),
    [
        ("printf 'from {} \\n' > /var/tmp/access.log; sync", "file", "address4"),
        ("printf 'from {} \\n' > /run/leases", "ram-file", "address6"),
        ("printf '%s' {} | tee /dev/shm/agent", "ram-file", "user_agent"),
        ("mkdir /run/{}", "names", "username"),
        ("ln -s /home/{} /run/link", "names", "username"),
        ("ip link add probe type veth peer name probe-b; ip link set probe up;"
         " ip neigh add 10.9.9.9 lladdr {} dev probe nud permanent", "table", "mac"),
        ("nft add table inet probe '{{ comment \"{}\" ; }}'", "table", "name1"),
    ],
)  # fmt: skip
def test_what_a_service_keeps_is_found_where_it_keeps_it(
    lab: Lab, control: ControlResult, seed: Seed, command: str, kind: str, mark: str
) -> None:
    node = lab["se-sto"]
    text = seed.text(f"alice.{mark}")
    node.run(
        [
            "sh",
            "-c",
            command.format(
                text.replace(" ", "_") if kind == "names" else f'"{text}"' if mark == "user_agent" else text
            ),
        ]
    )
    try:
        report = scan(lab, control, seed)
        assert ("se-sto", kind, f"alice.{mark}") in places(report)
        assert not report.passed
        assert text not in report.as_json()
    finally:
        node.run(["sh", "-c", "rm -rf /var/tmp/access.log /run/leases /dev/shm/agent /run/link; rmdir /run/*[0-9a-f];"
                  " ip link del probe; nft delete table inet probe"], check=False)  # fmt: skip


def test_a_deleted_file_is_found_on_the_raw_disk(lab: Lab, control: ControlResult, seed: Seed) -> None:
    host = lab["control"]
    password = seed.text("alice.password")
    host.run(["sh", "-c", f"printf 'row {password} row' > /var/tmp/table; sync; rm /var/tmp/table; sync"])
    assert ("control", "image", "alice.password") in places(scan(lab, control, seed))
    assert ("control", "file", "alice.password") not in places(scan(lab, control, seed))


def test_a_process_is_found_holding_a_mark_excused_if_declared_and_clean_when_it_has_ended(
    lab: Lab, control: ControlResult, seed: Seed
) -> None:
    declared = Allowed((Memory("python3", frozenset({MarkKind.NAME}), "until restart", "a cache"),))
    with holder(lab["se-sto"], seed.text("alice.name1")) as child:
        undeclared, excused = scan(lab, control, seed), scan(lab, control, seed, declared)
        child.kill()
    assert places(undeclared) == {("se-sto", "memory", "alice.name1")}
    assert not undeclared.passed
    assert excused.passed
    assert [(kept.mark, kept.process, kept.lifetime) for kept in excused.allowed] == [
        ("alice.name1", "python3", "until restart")
    ]
    assert scan(lab, control, seed).passed


def test_a_service_that_hides_in_a_sandbox_is_searched_like_any_other(
    lab: Lab, control: ControlResult, seed: Seed
) -> None:
    text, address = seed.text("alice.payload_up"), seed.text("alice.address4")
    inside = (
        f"mount -t tmpfs none /mnt; printf {text} > /mnt/kept; ip link add probe type veth peer name probe-b;"
        f" ip addr add {address}/32 dev probe; echo ready; exec sleep 60"
    )
    with lab["control"].popen(["unshare", "--net", "--mount", "sh", "-c", inside], stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline() == "ready\n"
        report = scan(lab, control, seed)
        child.kill()
    assert {("control", "ram-file", "alice.payload_up"), ("control", "table", "alice.address4")} <= places(report)
    assert any("(sandbox 1)" in found.surface for found in report.found)
    assert report.failures == ()


def test_a_file_named_after_alice_is_reported_without_her_name(lab: Lab, control: ControlResult, seed: Seed) -> None:
    node, name = lab["se-sto"], seed.text("alice.username")
    node.run(["sh", "-c", f"printf '{name} was here' > /run/{name}.log"])
    report = scan(lab, control, seed)
    node.run(["rm", f"/run/{name}.log"])
    assert "/run/<alice.username>.log" in {found.surface for found in report.found}
    assert name not in report.as_json()


def holder(host: Host, text: str) -> "subprocess.Popen[str]":
    child = host.popen(["python3", "-I", "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin and child.stdout
    child.stdin.write(text)
    child.stdin.flush()
    assert child.stdout.readline() == "ready\n"
    return child
