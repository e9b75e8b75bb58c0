"""`tyst node` with times in the test's hand: `python -m tests.lab.short_node '{"idle": 12, …}'`, settings as keys."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tyst.node.settings import Settings
from tyst.node.wiring import Options, serve


async def main() -> None:
    told = json.loads(sys.argv[1])
    token = Path("/run/test/token").read_text()
    options = Options(Path("/run/tyst"), token=token, openvpn=False, settings=Settings(**told))
    ready = asyncio.Event()
    telling = asyncio.create_task(_tell(ready))
    ended_well = await serve(options, ready, (signal.SIGTERM,))
    telling.cancel()
    sys.exit(0 if ended_well else 1)


async def _tell(ready: asyncio.Event) -> None:
    await ready.wait()
    print("ready", flush=True)


if __name__ == "__main__":
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    asyncio.run(main())
