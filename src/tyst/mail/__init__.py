"""Mail out: what we write to customers who gave an address, and the services that carry it.

Nothing is kept: a letter lives in this process until a service has taken it, and no letter is tracked.
"""
