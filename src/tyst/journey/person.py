"""A person at her machine with stock clients: `wg-quick`, `openvpn`, `curl`, `dig`. Nothing of Tyst runs here.

Everything she writes goes to RAM, so that the zero-write check can watch her machine too. Counterpart: `pages.py`,
what she does on the site.
"""

import re
import secrets
import select
import subprocess
import time
from dataclasses import dataclass, field
from typing import IO

from tyst.lab.host import Host
from tyst.lab.wait import wait_until

_UP = "Initialization Sequence Completed"
_RESOLV = "/etc/openvpn/update-resolv-conf"


@dataclass
class OpenVpn:
    """A running `openvpn`; `said` is what it printed so far."""

    process: "subprocess.Popen[str]"
    said: list[str] = field(default_factory=list)

    def reads_until(self, pattern: str, within: float = 40) -> bool:
        """Whether it printed something that matches before it ended or the time was over."""
        assert self.process.stdout is not None
        watch = _Lines(self.process.stdout, self.said)
        return watch.until(pattern, within)

    def end(self) -> None:
        """Ends it as a person does (it says goodbye)."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(15)
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class _Lines:
    stream: IO[str]
    said: list[str]

    def until(self, pattern: str, within: float) -> bool:
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.stream], [], [], left)[0]:
                return False
            line = self.stream.readline()
            if not line:
                return False
            self.said.append(line)
            if re.search(pattern, line):
                return True
        return False


class Person:
    """Who sits at a client host of the lab."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.name = host.name

    # What the internet sees of her.
    def address(self, family: int = 4, within: float = 5) -> str:
        """The address from which the echo server hears her, or '' when it can't be reached."""
        words = ["curl", "-s", f"-{family}", "-m", str(within), "http://echo.test/"]
        found = re.search(
            r"[0-9a-f]+(?:[.:]+[0-9a-f]+)+", self.host.run(words, check=False, timeout=within + 10).stdout
        )
        return found.group(0) if found else ""

    def asks(self, name: str | None = None) -> str:
        """Looks up a name (a never-seen one by default) with her system's resolver; returns the name."""
        name = name or f"{secrets.token_hex(12)}.probe.test"
        self.host.run(["dig", "+short", "+time=2", "+tries=2", name], check=False, timeout=15)
        return name

    def ping(self, target: str, count: int = 1, within: float = 2) -> bool:
        """Whether an address answers."""
        words = ["ping", "-n", "-c", str(count), "-i", "0.2", "-W", str(int(within)), target]
        return self.host.run(words, check=False, timeout=count + within + 10).returncode == 0

    def fetch(self, url: str, *words: str, within: float = 5) -> str:
        """What a URL answers, headers included; '' when it can't be reached."""
        return self.host.run(["curl", "-si", "-m", str(within), *words, url], check=False, timeout=within + 10).stdout

    # WireGuard.
    def wireguard_up(self, text: str, name: str) -> None:
        """`wg-quick up` with a file as downloaded; the interface is called `name`."""
        self.write(f"/run/{name}.conf", text)
        self.host.run(["wg-quick", "up", f"/run/{name}.conf"], timeout=30)

    def wireguard_down(self, name: str) -> None:
        """`wg-quick down`, and the file is removed."""
        self.host.run(["wg-quick", "down", f"/run/{name}.conf"], timeout=30)
        self.host.run(["rm", "-f", f"/run/{name}.conf"])

    # OpenVPN.
    def openvpn_up(self, profile: str, username: str, password: str, *options: str) -> OpenVpn:
        """Starts `openvpn` with a downloaded profile; name servers by Debian's own script. Waits until it is up."""
        client = self.openvpn_start(profile, username, password, "--up", _RESOLV, "--down", _RESOLV, *options)
        if not client.reads_until(_UP):
            client.end()
            raise RuntimeError(f"openvpn did not come up: {''.join(client.said[-6:])}")
        return client

    def openvpn_start(self, profile: str, username: str, password: str, *options: str) -> OpenVpn:
        """Starts `openvpn` and returns at once."""
        label = secrets.token_hex(4)
        self.write(f"/run/{label}.ovpn", profile)
        self.write(f"/run/{label}.auth", f"{username}\n{password}\n")
        words = ["openvpn", "--config", f"/run/{label}.ovpn", "--auth-user-pass", f"/run/{label}.auth"]
        words += ["--script-security", "2", *options]
        return OpenVpn(self.host.popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    def write(self, path: str, text: str) -> None:
        """Saves a file for her eyes only."""
        self.host.run(["sh", "-c", f"umask 077; cat > {path}"], input=text)

    def settles(self, condition: str, within: float = 10) -> None:
        """Waits until her address is (or is no longer) what it was."""
        wait_until(lambda: self.address() == condition, within=within, what=f"{self.name}'s address to change")
