"""After a charge the process that made it holds nothing of it: no id, no nonce, no name, nothing of card and order.

An amount alone (`59.00`) is not looked for: glibc's `MALLOC_PERTURB_` leaves the last eight bytes of what it overwrites,
and a text of five may be just these. Beside nothing else they name nobody.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.contract.payments.shops.braintree import nonce, write_keys
from tyst.lab.shop.braintree import FakeBraintree
from tyst.lab.shop.braintree_vault import GOOD_CARD, SOFT_DECLINE

ROOT = Path(__file__).resolve().parents[3]
CLEAN = {"PYTHONMALLOC": "malloc", "MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
"""How the product's own processes are started (`tyst`)."""


def _found(pid: int, marks: set[str]) -> set[str]:
    seen: set[str] = set()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ ", line)
            if match and "[v" not in line:
                memory.seek(int(match[1], 16))
                try:
                    data = memory.read(int(match[2], 16) - int(match[1], 16))
                except OSError:
                    continue
                seen |= {mark for mark in marks if mark.encode() in data}
    return seen


def _left(state: Path, *words: str) -> set[str]:
    """Which of what was said is in the child's memory at the end."""
    write_keys(state)
    with FakeBraintree() as fake:
        nonces = [nonce(fake, SOFT_DECLINE), nonce(fake, GOOD_CARD)]
        told = {"answers": fake.answers(), "nonces": nonces, "minor": 6137, "name": "markeduser4471"}
        command = [sys.executable, "-m", "tests.contract.payments.braintree_child", str(state), *words]
        environment = {**os.environ, **CLEAN, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        ) as child:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps(told) + "\n")
            child.stdin.flush()
            assert child.stdout.readline() == "done\n"
            sales = fake.vault.transactions.values()
            marks = (
                {one.id for one in sales} | {one.order for one in sales} | {one.token for one in sales} | set(nonces)
            )
            marks |= {fake.client_token(), "markeduser4471", "Lab Savings Bank", *fake.vault.customers}
            found = _found(child.pid, marks - {""})
            child.stdin.write("\n")
    return found


def test_a_charge_leaves_nothing_in_the_memory_of_the_process_that_made_it(tmp_path: Path) -> None:
    assert _left(tmp_path) == set()


def test_what_a_process_does_hold_would_be_found(tmp_path: Path) -> None:
    assert len(_left(tmp_path, "keep")) >= 4
