"""Row 42: a login with line ends or commands in it speaks to openvpn through its management socket, or to our agent.

The real openvpn at both ends. No stock client lets anybody type a line end, so Mallory writes hers into her own
client's memory, between the moment when it has read her login file and the moment when it connects. Bob's tunnel is
open all the while. Both directions byte by byte: `tests/unit/core/openvpn/test_management.py`.
"""

import os
import re

import pytest

from tests.findings.account import Account
from tests.findings.world import NODE, World
from tyst.core.openvpn.management import Connect, Disconnect, Parser, Unreadable
from tyst.journey.person import Person
from tyst.lab.host import Host

pytestmark = pytest.mark.lab

EVIL = (
    "x\nclient-kill 0\nx",
    'x"\nsignal SIGTERM\n"',
    "x\n>CLIENT:DISCONNECT,0\n>CLIENT:ENV,END\n",
    "x\n>CLIENT:ESTABLISHED,0\n>CLIENT:ENV,END\n",
    "x\n>CLIENT:ENV,username=bob\n>CLIENT:ENV,END\n",
)


def naive(stream: str) -> list[str]:
    """How a reader that trusts every line would understand it: the events by their names."""
    return re.findall(r"^>CLIENT:([A-Z]+),0", stream, re.MULTILINE)


def test_a_reader_that_trusts_what_openvpn_did_not_clean_hears_a_second_event() -> None:
    """The planted fault: a name as Mallory sends it, which openvpn would have to pass on as it is."""
    stream = f">CLIENT:CONNECT,7,1\n>CLIENT:ENV,username={EVIL[2]}>CLIENT:ENV,password=x\n>CLIENT:ENV,END\n"
    assert naive(stream) == ["DISCONNECT"]
    events = Parser().feed(stream.encode())
    assert not any(isinstance(event, Connect) for event in events), "the login that held it is refused whole"
    assert Unreadable(7, 1) in events
    assert [event for event in events if isinstance(event, Disconnect)] in ([], [Disconnect(0)])


def test_logins_full_of_line_ends_touch_nobody_elses_tunnel(world: World) -> None:
    mallory, bob = world.lab["mallory"], Person(world.lab["bob"])
    text = Account(world, world.customer().session).get(f"/en/account/openvpn/{NODE}-udp.ovpn").text
    with world.openvpn("bob", world.customer()):
        before = world.node.run(["pgrep", "-x", "openvpn"]).stdout
        for name in EVIL:
            said = _login(mallory, text, name)
            assert said.endswith("AUTH_FAILED\n"), f"{name!r}: {said[-800:]}"
            assert int(said.split()[1]) >= 2, "her name and her password hold line ends"
            assert bob.ping("10.0.0.1"), f"Bob's tunnel was touched by {name!r}"
        assert world.node.run(["pgrep", "-x", "openvpn"]).stdout == before


def _login(host: Host, profile: str, name: str) -> str:
    """What Mallory's openvpn says after a login with this name as name and as password."""
    label = os.urandom(4).hex()
    marked = f"{label}{name}".translate(MARKS)
    more = "management-hold\nconnect-retry 1 1\nconnect-retry-max 1\n"
    text = f"{profile}\nmanagement /run/{label}.sock unix\n{more}auth-user-pass /run/{label}.auth\n"
    host.run(["sh", "-c", f"cat > /run/{label}.ovpn"], input=text.replace("\nauth-user-pass\n", "\n"))
    host.run(["sh", "-c", f"cat > /run/{label}.auth"], input=f"{marked}\n{marked}\n")
    return host.run(["python3", "-I", "-c", _CLIENT, label], timeout=60).stdout


MARKS = str.maketrans({"\n": "~", "\r": "^"})
"""What stands in the login file for what a file can't hold."""
_CLIENT = r"""
import re, socket, subprocess, sys, time
label = sys.argv[1]
words = ["openvpn", "--config", f"/run/{label}.ovpn"]
child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
line = socket.socket(socket.AF_UNIX)
for _ in range(400):
    try:
        line.connect(f"/run/{label}.sock")
        break
    except OSError:
        time.sleep(0.05)
line.settimeout(20)
heard = b""
while b">HOLD" not in heard:
    heard += line.recv(4096)
patched = 0
with open(f"/proc/{child.pid}/mem", "r+b", 0) as memory:
    for entry in open(f"/proc/{child.pid}/maps"):
        low, high, rights = re.match(r"(\w+)-(\w+) (\S+)", entry).groups()
        if not rights.startswith("rw") or "[v" in entry:
            continue
        memory.seek(int(low, 16))
        data = memory.read(int(high, 16) - int(low, 16))
        for found in re.finditer(label.encode() + rb"[^\0]*", data):
            if b"~" in found[0]:
                memory.seek(int(low, 16) + found.start())
                memory.write(found[0].replace(b"~", b"\n").replace(b"^", b"\r"))
                patched += 1
print(f"patched {patched}")
line.sendall(b"hold release\n")
for one in child.stdout:
    if "AUTH_FAILED" in one:
        print("AUTH_FAILED")
        break
    print(one, end="")
child.kill()
"""
