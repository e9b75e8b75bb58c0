"""One file for each processor: `NAME.py` with `shop(state, door, clock)`, a context manager that yields a `suite.Shop`.

A file that is here is tested: `conftest.py` finds it by its name. The name is the provider's (`core.order.METHODS`).
"""
