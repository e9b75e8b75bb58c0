"""Hands on the kernel and on other people's programs. Each driver does what it is told and decides nothing."""
