"""Postmark: letters by its HTTP API, bounces by its webhooks."""
