#!/usr/bin/env bash
# Reads the code: style, types, who imports whom, known dangers, locks without host names. Runs nothing of it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=src:. PYTHONDONTWRITEBYTECODE=1
bin=.venv/bin
step() { printf '== %s\n' "$1"; shift; "$@"; }
step "ruff" $bin/ruff check --no-cache .
step "ruff format" $bin/ruff format --no-cache --check -q .
step "mypy --strict" $bin/mypy --no-error-summary --cache-dir=/tmp/tyst-mypy src/tyst
step "import contracts" $bin/lint-imports --no-cache
step "types of the front end" npm run --silent check
step "nothing could say a value; figures" $bin/python tools/quiet_rules.py
step "message catalogues" $bin/python tools/extract_messages.py --check
step "bandit" $bin/bandit -q -r src -c pyproject.toml --severity-level medium --confidence-level medium
step "locks name no hosts" bash -c '! grep -l "://" requirements/*.lock package-lock.json'
