"""Mutation testing: is each line of the money's code held by a test? See README.md."""
