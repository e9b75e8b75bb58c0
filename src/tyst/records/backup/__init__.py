"""Backups of the records: made, opened, and put back without reviving what was undone since."""
