"""Loads a node's own ruleset again and again, with the product's driver: `python -m tests.findings.rules_reloader TIMES HOW`.

HOW: `whole` (one transaction, as `core.firewall.Ruleset` writes it) or `halves` (first the old one away, then the new
one in: the fault that the test plants). Prints how often it loaded.
"""

import re
import subprocess
import sys

from tyst.core.firewall import TABLE
from tyst.node.drivers.firewall import Nftables

_KERNELS_OWN = re.compile(r"(\tset \w+ \{[^}]*?flags dynamic[^}]*?)\t\telements = \{.*?\}\n", re.DOTALL)


def main() -> int:
    times, how = int(sys.argv[1]), sys.argv[2]
    text = subprocess.run(["nft", "list", "table", "inet", TABLE], check=True, capture_output=True, text=True).stdout
    text, nftables = _KERNELS_OWN.sub(r"\1", text), Nftables()
    away = f"table inet {TABLE}\ndelete table inet {TABLE}\n"
    for _ in range(times):
        steps = [away + text] if how == "whole" else [away, text]
        if not all(nftables.run(step) for step in steps):
            return 1
    print(times)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
