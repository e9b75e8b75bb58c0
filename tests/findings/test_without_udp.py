"""Where UDP is blocked: both protocols still get through, by the commands that the site shows, and nothing is kept.

The customer's provider drops every UDP packet but questions to its own resolver; each way is first shown to be shut.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.findings.account import Account
from tests.findings.world import NODE, World, hang_up, without
from tyst.core import reach
from tyst.core.openvpn.profile import server_name_of
from tyst.journey.person import Person
from tyst.lab.environment import PROJECT
from tyst.lab.host import Host
from tyst.lab.wait import wait_until
from tyst.lab.wireguard import wg_show

pytestmark = pytest.mark.lab

NO_UDP = "table inet noudp {\n chain through {\n  type filter hook forward priority 0; meta l4proto udp drop\n }\n}\n"


@pytest.fixture
def udp_blocked(world: World) -> Iterator[None]:
    """The provider of all customers lets no UDP through."""
    isp = world.lab["isp"]
    isp.run(["nft", "-f", "-"], input=NO_UDP)
    try:
        yield
    finally:
        isp.run(["nft", "delete", "table", "inet", "noudp"])


@contextmanager
def relaying(host: Host, world: World, command: str) -> Iterator[None]:
    """A customer's machine with her end of the relay; for WireGuard with the route that OpenVPN's profile has itself."""
    own_route = "ss-local" not in command
    if own_route:
        host.run(["sh", "-c", reach.route_command(world.node.ipv4).replace("sudo ", "")])
    process = host.popen(shlex.split(command))
    try:
        port = reach.NEAR_PORT if own_route else reach.SOCKS_PORT
        wait_until(lambda: f":{port} " in host.run(["ss", "-Hlntu"]).stdout, within=10, what="the near end to listen")
        yield
    finally:
        os.killpg(process.pid, 15)
        hang_up(process)
        if own_route:
            host.run(["ip", "route", "del", str(world.node.ipv4)])


@contextmanager
def wrapped_wireguard(world: World, who: str) -> Iterator[Person]:
    """Debian's wg-quick, its config less its endpoint, inside Debian's socat."""
    host, person = world.lab[who], Person(world.lab[who])
    authority = Account(world).get("/en/udp-blocked/authority.crt")
    assert authority.status == 200
    host.run(["sh", "-c", "cat > /run/tyst-authority.crt"], input=authority.text)
    command = reach.tls_command(world.node.ipv4, server_name_of(NODE), "/run/tyst-authority.crt")
    host.run(["sh", "-c", f"cat > /run/{NODE}.conf"], input=world.config(world.customer().devices[0]))
    host.run(["sh", "-c", reach.endpoint_command(NODE)], cwd="/run")
    with relaying(host, world, command):
        host.run(["wg-quick", "up", f"/run/{NODE}-tls.conf"])
        try:
            yield person
        finally:
            host.run(["wg-quick", "down", f"/run/{NODE}-tls.conf"])


def outside_pid(world: World, program: str) -> int:
    """The pid of the node's relay (the parent of all its connections), as the real machine numbers it."""
    named = [pid for pid in world.node.pids() if _name(pid) == program]
    assert named, f"no {program} runs"
    return min(named)


def replaced_by_a_fresh_one(world: World, program: str, served: int) -> None:
    """Waits until another process of the relay runs than this one."""

    def fresh() -> bool:
        return any(_name(pid) == program and pid != served for pid in world.node.pids())

    wait_until(fresh, within=15, what=f"a fresh {program} in place of the used one")


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_wireguard_comes_through_inside_tls_and_each_client_is_one_of_its_own(world: World, udp_blocked: None) -> None:
    bare = world.device("mallory")
    assert not bare.connect(within=1.5), "UDP was blocked"
    bare.close()
    with wrapped_wireguard(world, "bob") as bob, wrapped_wireguard(world, "charlie") as charlie:
        for person in (bob, charlie):
            assert person.address(within=10).startswith("192.0.2.2")
        ends = {line.split()[1] for line in wg_show(world.node, "endpoints").splitlines() if "127.0.0.1" in line}
        assert len(ends) == 2 and all(end.startswith("127.0.0.1:") for end in ends), (
            "the node's WireGuard sees no client"
        )
        assert "127.0.0.1" not in world.node.run(["conntrack", "-L"]).stdout
        served = outside_pid(world, "socat")
    replaced_by_a_fresh_one(world, "socat", served)


def test_openvpn_comes_through_inside_shadowsocks_which_leads_nowhere_else(world: World, udp_blocked: None) -> None:
    customer, host = world.customer(), world.lab["bob"]
    account = Account(world, customer.session)
    profile = account.get(f"/en/account/openvpn/{NODE}-shadowsocks.ovpn").text
    page = account.get(f"/en/udp-blocked/{NODE}")
    command = reach.shadowsocks_command(world.node.ipv4, tls_crypt_of(profile))
    assert page.status == 200 and command in page.text
    with relaying(host, world, command):
        person = Person(host)
        client = person.openvpn_up(profile, *customer.credential)
        try:
            assert person.address(within=10).startswith("192.0.2.2")
            served = outside_pid(world, "ss-server")
            assert str(host.ipv4) not in world.node.run(["conntrack", "-L"]).stdout
            assert person.ping("10.0.0.1", count=10)
        finally:
            client.end()
        replaced_by_a_fresh_one(world, "ss-server", served)
        proxy = ["--socks5-hostname", f"127.0.0.1:{reach.SOCKS_PORT}"]
        for url in (
            f"http://{world.lab['web'].ipv4}/",
            f"http://{world.node.ipv4}/",
            "http://10.0.0.2/",
            "http://echo.test/",
        ):
            assert person.fetch(url, *proxy, within=2) == "", url


def tls_crypt_of(profile: str) -> str:
    return profile.split("<tls-crypt>\n")[1].split("</tls-crypt>")[0]


def test_openvpn_on_tcp_443_comes_through_by_itself(world: World, udp_blocked: None) -> None:
    customer, person = world.customer(), Person(world.lab["bob"])
    profile = Account(world, customer.session).get(f"/en/account/openvpn/{NODE}-tcp.ovpn").text
    client = person.openvpn_up(profile, *customer.credential)
    try:
        assert person.address(within=10).startswith("192.0.2.2")
    finally:
        client.end()


@pytest.mark.parametrize("program", ["socat", "ss-server"])
def test_a_relay_writes_nothing_reaches_nothing_and_comes_back(world: World, program: str) -> None:
    pid = outside_pid(world, program)
    status = Path(f"/proc/{pid}/status").read_text()
    user = reach.TLS_USER if program == "socat" else reach.SHADOWSOCKS_USER
    for line in (f"Uid:\t{user}\t{user}\t{user}\t{user}\n", "CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n"):
        assert line in status
    assert "Max file size             0 " in Path(f"/proc/{pid}/limits").read_text()
    mounts = [line.split()[5].split(",") for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    assert len(mounts) > 5 and all("ro" in options for options in mounts), "it can write somewhere"
    for number in os.listdir(f"/proc/{pid}/fd"):
        where = os.readlink(f"/proc/{pid}/fd/{number}")
        flags = int(Path(f"/proc/{pid}/fdinfo/{number}").read_text().split("flags:")[1].split()[0], 8)
        assert where == "/dev/null" or where.startswith(("socket:", "anon_inode:")) or not flags & os.O_ACCMODE, where
    # What it may say to the network: as its user, from the node itself, with and without the node's rules.
    words = [
        "setpriv",
        f"--reuid={user}",
        "--clear-groups",
        "curl",
        "-s",
        "-m",
        "2",
        f"http://{world.lab['web'].ipv4}/",
    ]
    with without(world.node, "vp_first_out", "jump vp_relays"):
        assert world.node.run(words, check=False).returncode == 0, "without the rule it reaches the internet"
    assert world.node.run(words, check=False).returncode == 28
    assert world.node.run([*words[:-1], "http://10.0.0.2/"], check=False).returncode == 28, "the notice page"
    os.kill(pid, 9)
    replaced_by_a_fresh_one(world, program, pid)


def test_what_a_relay_says_goes_nowhere_and_the_system_log_hears_nothing(world: World) -> None:
    """ss-server names the address of whoever fails at its door; so its output must be nobody's, and no log its own."""
    for program in ("socat", "ss-server"):
        pid = outside_pid(world, program)
        assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)} == {"/dev/null"}
    bob = world.lab["bob"]
    for talkative in (False, True):
        said, log = bob.run([sys.executable, "-c", _SPEAKING, str(int(talkative))], timeout=40, env=_OURS).stdout.split(
            "|"
        )
        assert "failed to handshake with 127.0.0.1" in said, "the planted fault: this is what would be printed"
        assert ("socat" in log) == talkative, "the system's log hears only those who are told to speak to it"


_OURS = {"PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
_SPEAKING = """
import os, socket, subprocess, sys, tempfile, time
from pathlib import Path
from tyst.core import reach
from tests.lab.openvpn_rig import _certificates, _static_key
from tyst.node.openvpn.wiring import pem
loud = sys.argv[1] == "1"
folder = Path(tempfile.mkdtemp(dir="/run"))
_, certificate, key = _certificates("x.test")
(folder / "identity").write_text(pem(certificate, "CERTIFICATE") + pem(key, "PRIVATE KEY"))
(folder / "config").write_text(reach.shadowsocks_config(_static_key()))
(folder / "rules").write_text(reach.shadowsocks_rules())
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
Path("/dev/log").unlink(missing_ok=True)
log.bind("/dev/log")
log.setblocking(False)
tls = ["socat", *(["-d", "-ly"] if loud else []), *reach.tls_words(str(folder / "identity"), 51820)]
shadow = ["ss-server", *reach.shadowsocks_words(str(folder / "config"), str(folder / "rules"))]
running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for words in (tls, shadow)]
for port in reach.PORTS:
    for _ in range(200):
        try:
            one = socket.create_connection(("127.0.0.1", port), 2)
            break
        except OSError:
            time.sleep(0.05)
    one.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n" * 9)
    one.close()
time.sleep(0.5)
said = b""
for one in running:
    one.terminate()
    said += one.communicate(timeout=5)[0]
heard = b""
try:
    while True:
        heard += log.recv(4096)
except BlockingIOError:
    pass
Path("/dev/log").unlink()
print(said.decode(errors="replace"), heard.decode(errors="replace"), sep="|")
"""
