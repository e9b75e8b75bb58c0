"""Runs the `tyst` command: `python -m tyst`."""

from tyst.cli import main

raise SystemExit(main())
