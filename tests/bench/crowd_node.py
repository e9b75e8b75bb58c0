"""`tyst node` for a crowd: `python -m tests.bench.crowd_node SETTINGS NODE'S OPTIONS …`, settings as JSON.

A thousand tunnels a second from one machine is what the node's flood caps are there to prevent, so here they are higher:
in the kernel, in the listener, and for questions to the gate. Everything else is the node as it runs, with its
supervisor. `idle` may be short, so that tunnels close by themselves within the bench.
"""

import json
import sys
from typing import Any

from tyst.core.firewall import ruleset
from tyst.node import command, listener
from tyst.node.settings import Settings

PLENTY = 1_000_000


def raise_caps() -> None:
    """No flood is expected here."""
    kernel: Any = ruleset
    kernel.BUCKET_RATE = kernel.BUCKET_BURST = kernel.GLOBAL_RATE = kernel.GLOBAL_BURST = PLENTY
    ears: Any = listener
    ears._PREFIX_RATE = ears._PREFIX_BURST = ears._TOTAL_RATE = ears._TOTAL_BURST = PLENTY


def main() -> int:
    from tyst.cli import main as tyst

    told = json.loads(sys.argv[1])
    raise_caps()
    settings = Settings(asks_rate=PLENTY, asks_burst=PLENTY, asking_cap=4096, **told)
    node: Any = command
    node.Settings = lambda: settings
    return tyst(["node", *sys.argv[2:]])


if __name__ == "__main__":
    raise SystemExit(main())
