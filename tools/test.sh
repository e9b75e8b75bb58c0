#!/usr/bin/env bash
# Runs the tests in order: those without a network under `unshare --net`, then those that build namespaces.
# usage: tools/test.sh [--night]   A missing part fails a test; nothing is skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=src:. PYTHONDONTWRITEBYTECODE=1 PYTHONMALLOC=malloc MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.tcache_count=0
py=.venv/bin/python
[ "$(id -u)" = 0 ] || { echo "test: root is needed: the lab builds network namespaces." >&2; exit 1; }
if [ "${1:-}" = "--night" ]; then exec $py -m pytest -m night tests; fi
status=0
run() {
  printf '== %s\n' "$1"; shift
  "$@"; code=$?
  if [ $code != 0 ]; then echo "test: failed with exit code $code" >&2; status=1; fi
}
run "unit: without a network" unshare --net $py -m pytest -m "not night" tests/unit
run "contract and site: on a loopback of their own" unshare --net --mount --pid --fork --kill-child --mount-proc \
  sh -c 'ip link set lo up && exec "$@"' _ $py -m pytest -m "not night" tests/contract tests/site
run "lab and findings: an internet in namespaces" $py -m pytest -m "not night" tests/lab tests/findings
exit $status
