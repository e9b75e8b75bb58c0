"""Django's SQLite engine, with the journal wiped after every write (`records/journal.py`)."""
