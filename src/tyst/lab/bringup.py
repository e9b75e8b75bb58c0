"""A whole VPN provider in a lab: fleet made, gate, site and nodes running, each started by its own `tyst` command.

It knows the rooms only as programs: what it does here an operator does on machines of her own
(docs/operate/install.md). Counterparts: `up_command.py`, which keeps one for people, and the journey, which builds
one for itself.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tyst.lab import topology
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.wait import wait_until

TYST = str(Path(__file__).resolve().parents[3] / "tyst")
STATE = "/var/lib/tyst"
NODE_STATE = "/run/tyst"
SITE_URL = "https://tyst.test"
GATE_NAME = "gate.tyst.test"
GATE_PORT = 8443
CITIES = {"se-sto": ("Stockholm", "se"), "de-fra": ("Frankfurt", "de")}
GATE_FIGURES = ["--metrics", "127.0.0.1:9464"]
SITE_FIGURES = ["--metrics", "127.0.0.1:9465"]
NODE_FIGURES = ["--metrics", "127.0.0.1:9464"]
"""Figures are on in every lab, so that all that is shown of rooms is shown of rooms that have them."""


class ProviderError(RuntimeError):
    """A part of the provider didn't come up. Says which, and what it printed."""


@dataclass
class Provider:
    """The running provider. `gate`, `site` and `nodes` are the processes, for those who kill and start them."""

    lab: Lab
    gate: "subprocess.Popen[str] | None" = None
    site: "subprocess.Popen[str] | None" = None
    nodes: "dict[str, subprocess.Popen[str]]" = field(default_factory=dict)
    jobs: "subprocess.Popen[str] | None" = None
    before_node: tuple[str, ...] = ()
    """Words before each node's command: a program, such as env(1), that starts it."""

    @property
    def control(self) -> Host:
        """The host of site, gate and database."""
        return self.lab["control"]

    @classmethod
    def start(cls, lab: Lab, *, tell: Callable[[str], None] = lambda _: None) -> "Provider":
        """Makes the fleet and starts every room; returns when a customer could sign up and connect."""
        provider = cls(lab)
        tell("fleet: keys, certificates and tables")
        provider.make_fleet()
        tell("gate and site")
        provider.start_gate()
        provider.start_site()
        for name in CITIES:
            tell(f"node {name} in {CITIES[name][0]}")
            provider.start_node(name)
        return provider

    def operator(self, *words: str) -> str:
        """Runs a `tyst` command on the control host, as the operator does; returns what it printed."""
        return self.control.run([TYST, *words], timeout=60).stdout

    def make_fleet(self) -> None:
        """Everything that is made once: `tyst fleet init`, and the site's certificate in its place."""
        self.operator("fleet", "init", "--state", STATE, "--site", SITE_URL, "--gate-name", GATE_NAME)
        self.control.run(["mkdir", "-p", f"{STATE}/tls"])
        self.control.run(["cp", topology.SITE_CERTIFICATE, f"{STATE}/tls/site.crt"])
        self.control.run(["cp", topology.SITE_KEY, f"{STATE}/tls/site.key"])

    def start_gate(self) -> None:
        """Starts the gate and waits until it listens."""
        self.gate = self._room([TYST, "gate", "--state", STATE, "--listen", f"[::]:{GATE_PORT}", *GATE_FIGURES])
        self._wait_for_port(self.gate, GATE_PORT, "the gate")

    def kill_gate(self) -> None:
        """The gate is gone, as by a crash."""
        assert self.gate is not None and self.gate.stdout and self.gate.stderr
        self.gate.kill()
        self.gate.wait(5)
        self.gate.stdout.close()
        self.gate.stderr.close()

    def start_site(self) -> None:
        """Starts the site: HTTPS for the lab, plain HTTP on the control host's loopback for the relay."""
        words = [TYST, "serve", "--state", STATE, "--https", "[::]:443", "--http", "127.0.0.1:8000"]
        words += ["--gate", f"https://{GATE_NAME}:{GATE_PORT}"]
        words += SITE_FIGURES
        words += ["--geoip", topology.GEOIP_V4, "--geoip", topology.GEOIP_V6]
        self.site = self._room(words)
        self._wait_for_port(self.site, 8000, "the site")

    def start_jobs(self) -> None:
        """Starts what a day brings: letters, sweeps, tidying. `up` has it; a journey has no days."""
        self.jobs = self._room([TYST, "jobs", "--state", STATE])
        assert self.jobs.stdout is not None
        if "ready" not in self.jobs.stdout.readline():
            raise ProviderError(f"the jobs did not start: {self.jobs.communicate(timeout=20)[1][-800:]}")

    def start_node(self, name: str, *options: str) -> None:
        """Gives the node's host a one-time token, starts the agent and waits for `ready`."""
        host = self.lab[name]
        host.run(["sh", "-c", "umask 077; cat > /run/tyst-token"], input=self.token_for(name))
        words = [*self.before_node, TYST, "node", "--state", NODE_STATE]
        words += ["--token-file", "/run/tyst-token", "--interface", "eth0"]
        words += ["--dns-root", str(topology.AUTHORITATIVE_V4), "--dns-root", str(topology.AUTHORITATIVE_V6)]
        words += NODE_FIGURES
        node = host.popen([*words, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.nodes[name] = node
        _wait_for_ready(node, name)

    def token_for(self, name: str) -> str:
        """A one-time token for a node: by `fleet add` the first time, by `fleet token` afterwards."""
        city, country = CITIES[name]
        if re.search(rf"^\s*{re.escape(name)}\b", self.operator("fleet", "list", "--state", STATE), re.MULTILINE):
            return self.operator("fleet", "token", name, "--state", STATE).split()[-1]
        place = topology.PLACES[name]
        words = ["fleet", "add", name, "--city", city, "--country", country, "--state", STATE]
        words += ["--ipv4", str(place.ipv4), "--ipv6", str(place.ipv6), "--gate", f"https://{GATE_NAME}:{GATE_PORT}"]
        words += ["--exit6", str(topology.EXIT6[name])] if name in topology.EXIT6 else []
        token = self.operator(*words).split()[-1]
        pools = [
            word
            for use, spans in topology.POOLS.get(name, {}).items()
            for span in spans.split()
            for word in (f"--{use}", span)
        ]
        self.operator("fleet", "pool", name, *pools, "--state", STATE)
        return token

    def vouchers(self, count: int, days: int = 30) -> list[str]:
        """Fresh voucher codes."""
        out = self.operator("voucher", "issue", "--days", str(days), "--count", str(count), "--state", STATE)
        return out.split()

    def _room(self, words: list[str]) -> "subprocess.Popen[str]":
        return self.control.popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def _wait_for_port(self, process: "subprocess.Popen[str]", port: int, what: str) -> None:
        def listening() -> bool:
            if process.poll() is not None:
                raise ProviderError(f"{what} ended at once: {process.communicate()[1][-800:]}")
            return f":{port} " in self.control.run(["ss", "-Hltn"]).stdout

        wait_until(listening, within=30, every=0.05, what=f"{what} to listen")


def _wait_for_ready(node: "subprocess.Popen[str]", name: str) -> None:
    assert node.stdout is not None
    line = node.stdout.readline()
    if "ready" not in line:
        said = line or node.communicate(timeout=20)[1]
        raise ProviderError(f"node {name} did not come up: {said[-1500:]}")
