"""A whole provider for the benches that need one: gate and one node of ours, and a second machine that is no node.

Built at the first use and kept until the program ends, because several benches stand on it. The site is not started:
customers come from `tyst.journey.crowd`, with the site's own keys.
"""

import atexit
import base64
import functools
import sys
from dataclasses import dataclass
from pathlib import Path

from tyst.lab.bringup import STATE, Provider
from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.lab.wireguard import wg_show

NODE, OTHER = "se-sto", "de-fra"
HOSTS = ("control", NODE, OTHER, "alice", "mallory")


@dataclass(frozen=True)
class Stage:
    """The lab and its provider. `other`: a host like the node, with nothing on it."""

    lab: Lab
    provider: Provider

    @property
    def node(self) -> Host:
        """The node's host."""
        return self.lab[NODE]

    @property
    def other(self) -> Host:
        """A host like the node's."""
        return self.lab[OTHER]

    @property
    def agent(self) -> int:
        """The agent's process: the supervisor's child that runs the same program."""
        node = self.provider.nodes[NODE].pid
        for child in Path(f"/proc/{node}/task/{node}/children").read_text().split():
            if Path(f"/proc/{child}/cmdline").read_bytes() == Path(f"/proc/{node}/cmdline").read_bytes():
                return int(child)
        return node

    def node_public(self) -> str:
        """The node's WireGuard key in base64."""
        return wg_show(self.node, "public-key").strip()

    def customers(self, count: int) -> list[bytes]:
        """Private keys of so many fresh customers, registered and paid."""
        words = [sys.executable, "-m", "tyst.journey.crowd", STATE, str(count)]
        return [base64.b64decode(line) for line in self.provider.control.run(words, timeout=120).stdout.split()]


@functools.cache
def stage() -> Stage:
    """The one provider of this run."""
    lab = Lab.build(hosts=HOSTS)
    try:
        provider = Provider(lab)
        provider.make_fleet()
        provider.start_gate()
        provider.start_node(NODE)
    except BaseException:
        lab.close()
        raise
    atexit.register(lab.close)
    return Stage(lab, provider)
