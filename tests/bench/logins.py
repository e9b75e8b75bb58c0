"""OpenVPN logins, ten a second, with a gate that takes 200 ms for each: what those feel who are connected already.

Stock clients and a real server process in a sandbox (`tests.lab.openvpn_rig`); Alice's ping goes through her tunnel a
hundred times a second, first while nobody logs in and then while ten do each second. A server that asked its question
in a script would stand still for each of them (docs: OpenVPN's own manual, --auth-user-pass-verify).
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.bench.figures import Figure, figure
from tests.lab import openvpn_rig
from tests.lab.openvpn_rig import BEYOND4, Client, Rig, until

LOGINS_PER_SECOND, GATE_SECONDS = 10, 0.2
SECONDS = int(os.environ.get("TYST_BENCH_LOGINS", "10"))
"""How long each of the two measurements lasts."""
JUMP_MS = 20.0


def bench() -> list[Figure]:
    """The worst ping of each measurement, and how many came in."""
    sandbox = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*sandbox, sys.executable, "-m", "tests.bench.logins"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=180,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    asked, came = LOGINS_PER_SECOND * SECONDS, found["came"]
    return [
        figure(
            "OpenVPN: worst ping while ten log in a second, gate 200 ms",
            found["busy"],
            "ms",
            found["idle"],
            reaches=f"at most {JUMP_MS:g} ms above the worst one while nobody logs in",
            holds=found["busy"] <= found["idle"] + JUMP_MS,
        ),
        figure("OpenVPN: of these logins came in", came, "logins", asked, reaches="all", holds=came == asked),
    ]


async def _measure(rig: Rig) -> dict[str, float]:
    alice = await rig.connect("alice")
    await alice.up()
    rig.gate.delay = GATE_SECONDS
    idle = await _worst_ping()
    watching = asyncio.create_task(_worst_ping())
    came = await _logins(rig)
    return {"idle": idle, "busy": await watching, "came": came}


async def _worst_ping() -> float:
    words = ["ip", "netns", "exec", "alice", "ping", "-n", "-i", "0.01", "-c", str(100 * SECONDS), BEYOND4]
    pinging = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    said, _ = await pinging.communicate()
    times = [float(one) for one in re.findall(rb"time=([0-9.]+)", said)]
    assert len(times) >= 99 * SECONDS, "pings were lost"
    return max(times)


async def _logins(rig: Rig) -> int:
    """Bob's machine, again and again; a client that is in is ended at once."""
    began, coming = time.monotonic(), []
    for number in range(LOGINS_PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, began + number / LOGINS_PER_SECOND - time.monotonic()))
        client = await rig.connect("bob", extra="route-noexec\nifconfig-noexec")
        coming.append(asyncio.create_task(_in_and_out(client)))
    return sum(await asyncio.gather(*coming))


async def _in_and_out(client: Client) -> bool:
    try:
        await until(lambda: client.said("Initialization Sequence Completed"), within=20)
        return True
    except AssertionError:
        return False
    finally:
        await client.stop()


async def _inside(folder: Path) -> dict[str, float]:
    rig = Rig(folder)
    await rig.openvpn.start()
    try:
        return await _measure(rig)
    finally:
        for client in rig.clients:
            await client.stop()
        await rig.openvpn.stop()


def main() -> int:
    """In the sandbox."""
    openvpn_rig._network()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        os.chmod(folder, 0o755)
        try:
            print(json.dumps(asyncio.run(_inside(Path(folder)))))
        except BaseException:  # noqa: BLE001 (whatever it was must be seen outside)
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
