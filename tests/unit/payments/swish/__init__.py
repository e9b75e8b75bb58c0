"""Swish without a network."""
