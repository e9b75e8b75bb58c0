"""A node opposite a pretend gate in a small internet, and people with tunnels: what the node's lab tests stand on."""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address

from tests.lab.small_internet import ADDRESSES, PYTHON, SmallInternet, small_internet, wait_for
from tyst.core.wireguard.addresses import address4, address6

NODE4, NODE6 = ADDRESSES["node"]
WEB4, WEB6 = ADDRESSES["web"]
TUNNEL = "wg-dev"


class Rig:
    """The parts, and what tests say to them."""

    def __init__(self, net: SmallInternet, settings: dict[str, float] | None = None) -> None:
        self.net = net
        self._people: set[str] = set()
        net.run("gate", PYTHON, "-m", "tests.lab.pretend_gate", "prepare", check=True)
        self.verdicts()
        self.gate = self.start_gate()
        self.node = self.start_node(settings or {})
        self.public = net.read("/run/test/node.pub")

    def start_gate(self) -> "subprocess.Popen[str]":
        gate = self.net.start("gate", PYTHON, "-m", "tests.lab.pretend_gate", "serve")
        assert gate.stdout is not None and gate.stdout.readline() == "ready\n"
        return gate

    def start_node(self, settings: dict[str, float]) -> "subprocess.Popen[str]":
        node = self.net.start("node", PYTHON, "-m", "tests.lab.short_node", json.dumps(settings))
        assert node.stdout is not None
        if node.stdout.readline() != "ready\n":
            raise AssertionError(f"the node did not start: {node.stderr.read() if node.stderr else ''}")
        return node

    def verdicts(self, **told: object) -> None:
        """What the gate says from now on."""
        self.net.write("/run/test/verdicts.json", json.dumps(told))

    def asked(self) -> list[str]:
        """What the gate was asked so far."""
        return self.net.read("/run/test/asked").split("\n")[:-1]

    def peers(self) -> int:
        """How many peers the node has now."""
        return len(self.wireguard("peers").split())

    def wireguard(self, what: str) -> str:
        """What `wg show` says of the node's interface, once there is one: a daemon that idled is replaced by a new one."""

        def shown() -> list[str]:
            said = self.net.shell("node", f"wg show wg-tyst {what}")
            return [] if said.startswith("Unable to access interface") else [said]

        return wait_for(shown, 5, "WireGuard to answer")[0]

    def pings(self, host: str, count: int, outer: int = 4, **more: object) -> list[float | None]:
        """Cold connects of never-seen keys: milliseconds to each first answer."""
        endpoint = f"{NODE4}:51820" if outer == 4 else f"[{NODE6}]:51820"
        told = {"count": count, "node": self.public, "endpoint": endpoint, "name": f"{TUNNEL}-{host}"[:15], **more}
        done = self.net.run(host, PYTHON, "-m", "tests.lab.device", json.dumps(told), timeout=200)
        assert done.returncode == 0, done.stderr
        found: list[float | None] = json.loads(done.stdout)
        return found

    def tunnel(self, host: str, **more: object) -> tuple[IPv4Address, IPv6Address]:
        """A device with a fresh key whose whole traffic goes into a tunnel; its inner addresses."""
        answers = self.pings(host, 1, **more)
        assert more.get("patience") or answers[0] is not None, "no tunnel"
        name = f"{TUNNEL}-{host}"[:15]
        self.net.run(host, "wg", "set", name, "fwmark", "51820", check=True)
        for family in ("-4", "-6"):
            rules = ["rule add not fwmark 51820 table 51820", "rule add table main suppress_prefixlength 0"]
            lines = [f"route replace default dev {name} table 51820", *([] if host in self._people else rules)]
            self.net.run(host, "ip", family, "-batch", "-", given="\n".join(lines) + "\n", check=True)
        self._people.add(host)
        public = bytes.fromhex(
            self.net.shell(host, f"wg show {name} public-key | base64 -d | od -An -tx1").replace(" ", "")
        )
        return address4(public), address6(public)

    @contextmanager
    def watch(self, host: str, interface: str, *wanted: str, seconds: float = 2.0) -> Iterator[list[str]]:
        """What packets a host sees while the block runs and a moment after: tcpdump's lines, there after the block."""
        watcher = self.net.start(host, "tcpdump", "-lnni", interface, *wanted)
        assert watcher.stderr is not None
        while "listening" not in watcher.stderr.readline():
            pass
        seen: list[str] = []
        try:
            yield seen
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                watcher.wait(seconds)
            self.net.signal(watcher, signal.SIGTERM)
            seen += [line for line in watcher.communicate(timeout=10)[0].splitlines() if line]

    def nft(self, *lines: str) -> None:
        """Changes the node's rules behind its back."""
        done = self.net.run("node", "nft", "-f", "-", given="\n".join(lines) + "\n")
        assert done.returncode == 0, done.stderr

    @contextmanager
    def without(self, **chains: str) -> Iterator[None]:
        """The node with chains that begin by accepting everything (or as told): to show that an attack works."""
        saved = self.net.shell("node", "nft -s list table inet tyst")
        self.nft(*(f"insert rule inet tyst {chain} {rule}" for chain, rule in chains.items()))
        try:
            yield
        finally:
            self.nft("table inet tyst", "delete table inet tyst", saved)

    @contextmanager
    def ruleset(self, *changes: tuple[str, str]) -> Iterator[None]:
        """The node with an edited ruleset."""
        saved = self.net.shell("node", "nft -s list table inet tyst")
        edited = saved
        for old, new in changes:
            assert old in edited, old
            edited = edited.replace(old, new)
        self.nft("table inet tyst", "delete table inet tyst", edited)
        try:
            yield
        finally:
            self.nft("table inet tyst", "delete table inet tyst", saved)

    def answers(self, host: str, target: str, *options: str) -> bool:
        """Whether a host's ping is answered."""
        return self.net.run(host, "ping", "-c2", "-i0.2", "-W1", *options, target).returncode == 0

    def connects(self, host: str, target: str, port: int, source: str = "") -> str:
        """What becomes of a TCP connection: open, refused, or silence."""
        script = (
            "import socket,sys\n"
            f"s=socket.socket(socket.AF_INET6 if ':' in {target!r} else socket.AF_INET); s.settimeout(1.5)\n"
            f"{f's.bind(({source!r},0))' if source else 'pass'}\n"
            f"try: s.connect(({target!r},{port})); print('open')\n"
            "except ConnectionRefusedError: print('refused')\n"
            "except OSError: print('silence')\n"
        )
        return self.net.run(host, "python3", "-c", script).stdout.strip()

    def listen(self, host: str, *ports: int) -> None:
        """Opens TCP ports on all addresses of a host until the sandbox ends."""
        script = (
            "import socket,time\n"
            f"k=[socket.create_server(('::',p),family=socket.AF_INET6,dualstack_ipv6=True) for p in {list(ports)}]\n"
            "print('up',flush=True)\ntime.sleep(3600)\n"
        )
        process = self.net.start(host, "python3", "-c", script)
        assert process.stdout is not None and process.stdout.readline() == "up\n"


@contextmanager
def rig(**settings: float) -> Iterator[Rig]:
    """One for a module."""
    with small_internet() as net:
        yield Rig(net, settings)
