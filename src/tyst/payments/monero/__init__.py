"""Monero: the operator's own wallet RPC with view-only wallets, one a month. No processor, no account, no way back.

`provider.py` is the interface, `client.py` the wire, `wallets.py` the months, `quote.py` what an order costs in XMR,
`rates.py` where that comes from, `keypair.py` checks what the operator typed, `setup.py` asks her.
"""
