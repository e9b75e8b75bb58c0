# Two commands are enough on a fresh Debian 12: `make up` and `make test`. Both install what is missing.
.PHONY: up test test-night check bench proof image down setup
PY = PYTHONPATH=src PYTHONDONTWRITEBYTECODE=1 PYTHONMALLOC=malloc MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.tcache_count=0 .venv/bin/python

setup:
	@tools/setup.sh

setup-dev:
	@tools/setup.sh --dev

up: setup-dev
	@./tyst up --background

down:
	@./tyst down

check: setup-dev
	@tools/check.sh

test: check
	@tools/test.sh

test-night: setup-dev
	@tools/test.sh --night

bench: setup-dev
	@$(PY) -m tests.bench

proof: setup-dev
	@./tyst proof --html var/proof.html --save var/proof.json

image:
	@echo "tyst: the node image is not built yet; docs/known-issues.md says what is missing." >&2; exit 1
