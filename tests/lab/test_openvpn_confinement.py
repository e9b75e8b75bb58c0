"""What an openvpn process of ours can do when somebody has taken it over: read, and speak to its clients and its agent.

Each limit is first shown to be ours: the same probe, outside, does write.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.lab.openvpn_rig import BEYOND4, Rig, pings, scenario, until
from tyst.node.openvpn import confine

PROBE = r"""
import json, os, sys
user, *more = sys.argv[1:]
os.setgroups([])
os.setresgid(int(user), int(user), int(user))
os.setresuid(int(user), int(user), int(user))
places = [line.split()[4].replace("\\040", " ") for line in open("/proc/self/mountinfo")]
places += ["/tmp", "/var/tmp", "/run", "/dev/shm", "/proc/sys/net/ipv4", "/etc", "/root", "/home", "/", *more]
wrote = []
for place in dict.fromkeys(places):
    target = os.path.join(place, "mark-of-mallory") if os.path.isdir(place) else place
    if not os.path.isdir(place) and not os.path.isfile(place):
        continue
    try:
        with open(target, "a") as file:
            wrote.append(place)
        if os.path.isdir(place):
            os.unlink(target)
    except OSError:
        pass
for setting in ("/proc/sys/net/ipv4/ip_forward", "/proc/self/oom_score_adj", "/proc/self/comm"):
    try:
        with open(setting, "r+") as file:
            wrote.append(setting)
    except OSError:
        pass
mounts = [line.split() for line in open("/proc/self/mountinfo")]
rw = [m[4] for m in mounts if "ro" not in m[5].split(",")]
print(json.dumps({"uid": os.getuid(), "wrote": wrote, "rw": rw, "mounts": len(mounts)}))
"""


def probe(user: int, pid: int | None, *places: str) -> dict[str, object]:
    """What a process of this user could write: inside the mount namespace of `pid`, or where we are."""
    inside = [] if pid is None else [f"--mount=/proc/{pid}/ns/mnt"]
    command = ["nsenter", *inside, "--", sys.executable, "-I", "-c", PROBE, str(user)]
    done = subprocess.run([*command, *places], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@scenario
async def test_mallory_inside_openvpn_can_write_nowhere_not_even_as_root(rig: Rig) -> None:
    client = await rig.connect("alice")
    await client.up()
    for number, pid in enumerate(rig.openvpn.pids):
        user = 64200 + number
        outside = probe(user, None)
        assert "/tmp" in outside["wrote"] and "/dev/shm" in outside["wrote"], outside  # type: ignore[operator]
        assert probe(0, None)["wrote"], "as root the probe writes outside"
        for person in (user, 0):
            inside = probe(person, pid, str(rig.folder))
            assert inside["uid"] == person
            assert inside["wrote"] == [], inside
            assert inside["rw"] == [], "a mount is writable"
            assert inside["mounts"] > 5  # type: ignore[operator]


@scenario
async def test_openvpn_runs_as_nobody_with_no_right_but_to_bind(rig: Rig) -> None:
    udp, tcp = rig.openvpn.pids
    for pid, user, capabilities in ((udp, 64200, 0), (tcp, 64201, 1 << 10)):
        now = status(pid)
        assert now["Uid"].split() == now["Gid"].split() == [str(user)] * 4
        assert now["Groups"].strip() == ""
        assert now["NoNewPrivs"] == "1"
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(now[name], 16) == capabilities, name
        assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"/usr/sbin/openvpn\0--config\0stdin\0"
        assert set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")) <= {
            b"PATH=/usr/sbin:/usr/bin",
            b"LC_ALL=C.UTF-8",
            b"GLIBC_TUNABLES=glibc.malloc.perturb=165",
            b"glibc.malloc.tcache_count=0",  # glibc has cut the line in two where it stands
            b"",
        }
        limits = Path(f"/proc/{pid}/limits").read_text()
        for line in ("Max file size             0 ", "Max core file size        0 "):
            assert line in limits


@scenario
async def test_openvpn_holds_no_file_open_for_writing_while_alice_uses_it(rig: Rig) -> None:
    before = set(files(rig.folder))
    client = await rig.connect("alice")
    await client.up()
    assert await pings("alice", BEYOND4)
    for pid in rig.openvpn.pids:
        for number in os.listdir(f"/proc/{pid}/fd"):
            where = os.readlink(f"/proc/{pid}/fd/{number}")
            kinds = ("socket:", "anon_inode:", "pipe:", "/dev/null", "/dev/net/tun")
            assert where.startswith(kinds), "openvpn holds something else open"
    left = set(files(rig.folder)) - before
    assert {path.suffix for path in left} <= {".ovpn", ".login"}, "only the client's own two files are new"
    assert list((rig.folder / "state").iterdir()) == [], "the management sockets have no name any more"


@scenario
async def test_a_lost_agent_shuts_the_door(rig: Rig) -> None:
    client = await rig.connect("alice")
    await client.up()
    assert await pings("alice", BEYOND4)
    process = rig.openvpn._parts[0][0]
    before = process.pid
    assert process._writer is not None
    process._writer.close()
    await until(lambda: process.pid != before, within=5)
    assert not rig.firewall.open
    assert rig.openvpn.held() == []


@scenario
async def test_the_process_dies_with_the_agent_that_started_it(rig: Rig) -> None:
    code = (
        "import os, subprocess, sys, time, socket;"
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[2]);"
        "words = [str(os.getpid()), '64210', '', sys.argv[2], '/bin/sleep', '60'];"
        "p = subprocess.Popen([sys.executable, '-I', sys.argv[1], *words]);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-I", "-c", code, confine.__file__, str(rig.folder / "s")]
    agent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None
    child = int(agent.stdout.readline())
    await until(lambda: Path(f"/proc/{child}/cmdline").read_bytes() == b"/bin/sleep\x0060\0")
    agent.kill()
    agent.wait(5)
    agent.stdout.close()
    await until(lambda: not Path(f"/proc/{child}").exists() or "Z" in status(child)["State"], within=5)


@scenario
async def test_an_unconfined_server_never_runs(rig: Rig) -> None:
    agent, echo = str(os.getpid()), ["/bin/echo", "here"]
    right = [sys.executable, "-I", confine.__file__, agent, "64210", "", "/dev/null", *echo]
    assert subprocess.run(right, capture_output=True, timeout=10).stdout == b"here\n"
    for words in (
        [agent, "64210", "", "/nowhere", *echo],
        [agent, "nobody", "", "/dev/null", *echo],
        [agent, "64210", "99", "/dev/null", *echo],
        ["1000000", "64210", "", "/dev/null", *echo],
        [],
    ):
        command = [sys.executable, "-I", confine.__file__, *words]
        done = subprocess.run(command, capture_output=True, timeout=10)
        assert (done.returncode, done.stdout, done.stderr) == (confine.FAILED, b"", b"")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@scenario
async def test_a_firewall_that_fails_ends_the_server_and_tells_the_agent(rig: Rig) -> None:
    def broken(addresses: object, *, ipv6: bool) -> None:
        raise RuntimeError("the kernel refused")

    rig.firewall.admit = broken  # type: ignore[method-assign, assignment]
    client = await rig.connect("alice")
    await until(rig.openvpn.trouble.is_set, within=20)
    await until(lambda: len(rig.openvpn.pids) == 1, within=5, what="the TCP process alone is left")
    assert not await pings("alice", BEYOND4)
    await client.stop()
