"""The operator's lists in the lab: published once for all tests that need them, by her own command."""

import re
from collections.abc import Mapping, Sequence

from tests.findings.world import World
from tyst.core.faces import CLEAN
from tyst.lab.bringup import STATE
from tyst.lab.wait import wait_until

ADS, MALWARE, DICE, FILM = "ads.probe.test", "bad.probe.test", "dice.probe.test", "film.test"
LISTS = {"ads": (ADS,), "malware": (MALWARE,), "gambling": (DICE,), "streaming": (FILM,)}
"""Small enough to be read; in the reserved top level that the lab's own zone answers for."""


def publish(world: World, lists: Mapping[str, Sequence[str]] = LISTS) -> str:
    """Signs lists, from hosts files on the operator's machine; what she was told."""
    words = []
    for kind, names in lists.items():
        text = "".join(f"0.0.0.0 {name}\n" for name in names)
        world.control.run(["sh", "-c", f"cat > /tmp/{kind}"], input=text)
        words += [f"--{kind}", f"/tmp/{kind}"]
    return world.provider.operator("fleet", "lists", "publish", *words, "--state", STATE)


def published(world: World) -> None:
    """Publishes `LISTS` and waits until the node has them (it asks every 20 s)."""
    before = _status(world, ADS)
    assert before == "NOERROR", "a name that no list holds is answered by every face"
    publish(world)
    wait_until(lambda: _status(world, ADS) == "NXDOMAIN", within=90, every=0.5, what="the lists to arrive at the node")


def _status(world: World, name: str) -> str:
    """What the face without ads says, asked on the node itself."""
    return status(
        world.node.run(["dig", "+time=2", "+tries=1", f"@{CLEAN.four}", name], check=False, timeout=20).stdout
    )


def status(said: str) -> str:
    """NOERROR, NXDOMAIN, … of what dig or kdig printed; empty when nobody answered."""
    found = re.search(r"status: ([A-Z]+)\b", said)
    return found[1] if found else ""
