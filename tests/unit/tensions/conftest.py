"""The site of the site's own tests."""

from tests.unit.site.conftest import providers, site, tables

__all__ = ["providers", "site", "tables"]
