"""What a host of the lab is: a machine of its own, whose every durable write is counted."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tyst.lab.host import CommandFailed, Host
from tyst.lab.lab import Lab
from tyst.lab.topology import PLACES
from tyst.lab.wait import wait_until

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.build() as built:
        yield built


def test_an_idle_internet_writes_nothing(lab: Lab) -> None:
    before = {host.name: host.sectors_written() for host in lab}
    lab["alice"].run(["curl", "-sSm", "5", "http://echo.test/"])
    lab["bob"].run(["getent", "ahosts", "tyst.test"])
    assert {host.name: host.sectors_written() for host in lab} == before


@pytest.mark.parametrize("name", sorted(PLACES))
def test_one_byte_written_on_any_host_is_seen(lab: Lab, name: str) -> None:
    before = lab[name].sectors_written()
    lab[name].run(["sh", "-c", "printf x > /var/lib/one-byte"])
    assert lab[name].sectors_written() > before


@pytest.mark.parametrize("path", ["/etc/passwd", "/var/tmp/new", "/root/new", "/home/new", "/opt/new", "/new"])
def test_every_place_that_a_real_machine_keeps_is_on_the_disk(lab: Lab, path: str) -> None:
    charlie = lab["charlie"]
    before = charlie.sectors_written()
    charlie.run(["sh", "-c", f"printf x >> {path}"])
    assert charlie.sectors_written() > before
    assert (charlie.durable / path.lstrip("/")).exists()


@pytest.mark.parametrize("folder", ["/run", "/tmp", "/dev/shm", "/var/run"])
def test_ram_is_not_the_disk(lab: Lab, folder: str) -> None:
    before = lab["charlie"].sectors_written()
    lab["charlie"].run(["sh", "-c", f"printf x > {folder}/ram"])
    assert lab["charlie"].sectors_written() == before


def test_reading_leaves_no_access_time_behind(lab: Lab) -> None:
    charlie = lab["charlie"]
    charlie.run(["sh", "-c", "printf x > /var/lib/read-me"])
    before = charlie.sectors_written()
    charlie.run(["sh", "-c", "cat /var/lib/read-me /etc/passwd; ls -R /etc /var/lib > /dev/null"])
    assert charlie.sectors_written() == before


def test_what_alice_writes_neither_bob_nor_the_real_machine_sees(lab: Lab) -> None:
    lab["alice"].run(["sh", "-c", "printf secret > /etc/alices-own"])
    assert not Path("/etc/alices-own").exists()
    assert lab["bob"].run(["cat", "/etc/alices-own"], check=False).returncode != 0
    assert (lab["alice"].durable / "etc/alices-own").read_text() == "secret"
    lab["alice"].sync()
    assert b"secret" in lab["alice"].image.read_bytes()


def test_a_change_of_resolver_as_wg_quick_makes_it_writes_nothing(lab: Lab) -> None:
    bob = lab["bob"]
    before, resolvers = bob.sectors_written(), bob.run(["cat", "/etc/resolv.conf"]).stdout
    bob.run(["resolvconf", "-a", "wg0", "-m", "0", "-x"], input="nameserver 10.0.0.1\n")
    assert "nameserver 10.0.0.1" in bob.run(["cat", "/etc/resolv.conf"]).stdout
    assert "198.51.100.1" not in bob.run(["cat", "/etc/resolv.conf"]).stdout
    bob.run(["resolvconf", "-d", "wg0", "-f"])
    assert bob.run(["cat", "/etc/resolv.conf"]).stdout.split() == resolvers.split()
    assert bob.sectors_written() == before


def test_hosts_share_neither_processes_nor_interfaces_nor_names(lab: Lab) -> None:
    alice = lab["alice"]
    assert alice.run(["hostname"]).stdout.strip() == "alice"
    assert alice.run(["ls", "/sys/class/net"]).stdout.split() == ["eth0", "lo"]
    seen = alice.run(["sh", "-c", "ls -d /proc/[0-9]*"]).stdout.split()
    assert len(seen) <= 4  # its init, the shell, ls
    assert str(os.getpid()) not in {path.rpartition("/")[2] for path in seen} or os.getpid() < 10


def test_settings_of_the_whole_machine_cannot_be_changed_from_a_host(lab: Lab) -> None:
    with pytest.raises(CommandFailed):
        lab["mallory"].run(["sh", "-c", "echo 1 > /proc/sys/vm/swappiness"])
    with pytest.raises(CommandFailed):
        lab["mallory"].run(["sh", "-c", "echo b > /proc/sysrq-trigger"])
    lab["mallory"].run(["sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=2"])


def test_no_block_device_of_the_machine_is_in_a_host(lab: Lab) -> None:
    assert lab["mallory"].run(["find", "/dev", "-type", "b"]).stdout == ""


def test_a_tunnel_device_can_be_made(lab: Lab) -> None:
    lab["alice"].run(["sh", "-c", "ip tuntap add t0 mode tun && ip link del t0"])


def test_the_checkout_and_its_python_are_there(lab: Lab) -> None:
    out = lab["control"].run(["python", "-c", "import tyst, cryptography; print(tyst.__file__)"]).stdout
    assert out.strip().endswith("src/tyst/__init__.py")


def test_nothing_of_the_callers_environment_reaches_a_host(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO_RAN_IT", "a-person")
    assert "a-person" not in lab["alice"].run(["env"]).stdout


def test_another_user_runs_with_a_home_in_ram(lab: Lab) -> None:
    alice = lab["alice"]
    before = alice.sectors_written()
    assert alice.run(["sh", "-c", "id -un; touch ~/mine; echo $HOME"], user="nobody").stdout.split() == [
        "nobody",
        "/run/home/nobody",
    ]
    assert alice.sectors_written() == before


def test_a_program_that_fails_says_how(lab: Lab) -> None:
    with pytest.raises(CommandFailed, match=r"alice: ls /nowhere ended with 2: .*No such file"):
        lab["alice"].run(["ls", "/nowhere"])


def test_a_program_that_hangs_is_ended_with_its_children(lab: Lab) -> None:
    alice = lab["alice"]
    with pytest.raises(subprocess.TimeoutExpired):
        alice.run(["sh", "-c", "sleep 1000 & sleep 1000"], timeout=0.2)
    wait_until(lambda: alice.pids() == [alice.pid], within=2, what="alice to be idle")


def test_input_reaches_a_program(lab: Lab) -> None:
    assert lab["alice"].run(["tr", "a-z", "A-Z"], input="tyst\n").stdout == "TYST\n"


def test_every_process_of_a_host_is_listed_even_in_a_sandbox_of_its_own(lab: Lab) -> None:
    charlie = lab["charlie"]
    plain = charlie.popen(["sleep", "1000"])
    hidden = charlie.popen(["unshare", "--pid", "--mount", "--fork", "sleep", "2000"])

    def sleeping() -> list[int]:
        return [pid for pid in charlie.pids() if b"2000" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    wait_until(lambda: len(sleeping()) == 2, within=3, what="unshare and its child")
    assert plain.pid in charlie.pids()
    charlie.kill9()
    assert charlie.pids() == [charlie.pid]
    assert plain.returncode == hidden.returncode == -9


def test_a_power_cut_leaves_the_disk_and_the_network(lab: Lab) -> None:
    charlie: Host = lab["charlie"]
    charlie.run(["sh", "-c", "printf kept > /var/lib/kept; sync"])
    charlie.kill9()
    assert charlie.run(["cat", "/var/lib/kept"]).stdout == "kept"
    assert charlie.run(["curl", "-sSm", "5", "-4", "http://echo.test/"]).stdout.strip() == str(charlie.ipv4)


def test_orphans_are_reaped(lab: Lab) -> None:
    bob = lab["bob"]
    bob.run(["sh", "-c", "(sh -c 'exit 0' &) ; exit 0"])
    wait_until(lambda: bob.pids() == [bob.pid], within=3, what="bob's orphans to be reaped")
