"""One of two processes that tell of the same payment at the same moment, a hundred threads each.

usage: python -m tests.contract.settlement.together DATABASE STATE prepare|tell|look
"""

import json
import sys
import threading
from pathlib import Path

from tests.contract.settlement.cases import NOW

THREADS = 100


def main(database: str, state: Path, action: str) -> int:
    """Prints what came of it."""
    from tyst.records.migrate import configure
    from tyst.records.where import named

    configure(named(database))
    from tests.contract.settlement.play import Stage

    stage = Stage(state)
    if action == "prepare":
        stage._open([0])
        (state / "reference").write_text(stage.orders.seal(stage._order(0, "a")))
        print(json.dumps({"ready": True}))
    elif action == "tell":
        print(json.dumps(_tell(stage, (state / "reference").read_text())))
    else:
        found = stage._look(1)[0]
        days = (found.until - NOW).days if found.until else None
        print(json.dumps({"days": days, "sold": found.sold.get("a")}))
    return 0


def _tell(stage: object, reference: str) -> dict[str, int]:
    from django.db import connection

    from tyst.core.money import Money
    from tyst.payments.provider import Event, What
    from tyst.payments.settling import Outcome

    start, outcomes = threading.Barrier(THREADS), list[Outcome]()

    def one() -> None:
        start.wait(timeout=60)
        try:
            event = Event(What.PAID, reference, Money(9900, "SEK"), "P" * 32)
            outcomes.append(stage.settler.take(stage._swish, event))  # type: ignore[attr-defined]
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = {name: outcomes.count(Outcome(name)) for name in ("granted", "again")}
    return counted | {"receipts": len(stage._told)}  # type: ignore[attr-defined]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
