"""Swish: Swedish bank customers pay with their telephones, in kronor. No card, no mandate, no chargeback."""
