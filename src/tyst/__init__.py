"""Tyst: a privacy-first VPN provider, whole. ARCHITECTURE.md has the picture; each folder here is a room."""

__version__ = "0.1.0"
