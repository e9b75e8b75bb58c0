"""The records on PostgreSQL 15 or newer. `base.py` is Django's hand, `hand.py` the gate's; the rest is both's."""
