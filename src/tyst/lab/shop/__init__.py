"""A shop to try: a provider's site with fakes of its processors and a Monero chain of its own, on loopback.

The lab's, never imported by product code. `shop.Town` is all of it; the fakes are one file each.
"""
