"""Which modules are mutated, and the tests that must find each mutant: the quickest first."""

RECORDS = ["test_settlement.py", "test_bookkeeping.py", "test_settlement_edges.py"]
SETTLING = ["test_settling.py", "test_settling_edges.py"]
SETTLED = [f"tests/unit/records/{name}" for name in RECORDS] + [f"tests/unit/payments/{name}" for name in SETTLING]
STORIES = "tests/mutation/short_stories.py"
TARGETS = {
    "tyst.core.money": ["tests/unit/core/test_money.py"],
    "tyst.core.vat": ["tests/unit/core/test_vat.py"],
    "tyst.core.pricing": ["tests/unit/core/test_pricing.py"],
    "tyst.core.plan": ["tests/unit/core/test_plan.py", "tests/unit/core/test_pricing.py"],
    "tyst.records.settlement": [*SETTLED, STORIES],
    "tyst.records.bookkeeping": [*SETTLED, STORIES],
    "tyst.payments.settling": [*SETTLED, STORIES],
}
