"""Money in: one folder for each processor, the same files in each, one interface (`provider.py`).

Knows orders and amounts. Knows no tunnel, no node and no visitor's address.
"""
