"""Marks for tests that speak of one engine only."""

import pytest

on_sqlite = pytest.mark.parametrize("where", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("where", ["postgresql"], indirect=True)
