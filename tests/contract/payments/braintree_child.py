"""A process that charges cards and forgets: told answers, order and nonces on stdin, it says `done` and waits.

For test_braintree_memory.py, which reads its memory then. With `keep`: it holds on to what it was told, to show that the
reader would find it.
"""

import gc
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.payments.braintree.provider import build
from tyst.payments.orders import OrderKeys


def _now() -> datetime:
    return datetime.now(UTC)


def work(state: Path, told: dict[str, Any]) -> list[Any]:
    """A purchase that fails, one that goes well, a look, a sweep and a renewal."""
    provider = build(told["answers"], state, _now)
    keys = OrderKeys(state, lambda: int(_now().timestamp()))
    since = datetime(2026, 3, 1, 9, tzinfo=UTC)
    total = Money(told["minor"], "EUR")
    words = ("braintree", b"alice001", told["name"], since, Product.SUBSCRIPTION, 12, 0, total, "de", 1900, "en", True)
    order = Order(*words)
    reference = keys.seal(order)
    kept: list[Any] = [provider.begin(order, reference, back="", callback="")]
    kept += [provider.pay(order, reference, {"nonce": nonce}) for nonce in told["nonces"]]
    kept += [provider.look(order, reference), *provider.sweep(_now())]
    kept.append(provider.renew(order, keys.seal(order), provider._names.of_order(order)))
    return kept


def main() -> None:
    state, keeps = Path(sys.argv[1]), sys.argv[2:] == ["keep"]
    kept = work(state, json.loads(sys.stdin.readline()))
    if not keeps:
        kept.clear()
    gc.collect()
    print("done", flush=True)
    sys.stdin.readline()
    del kept


if __name__ == "__main__":
    main()
