#!/usr/bin/env bash
# Runs the tests: those without a network under `unshare --net`, then those that build namespaces.
# usage: tools/test.sh [--night]   A missing part fails a test; nothing is skipped.
#
# Most lab tests wait for a node's timers. Those that build a small sandbox each run beside the first suites and the
# journey (WireGuard's floods come first, so they are over before the journey measures). So do the site's, and after them the
# doors' tests, which give way to all others and fill the journey's pauses; whatever looks at the whole machine or loads it runs alone afterwards.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=src:. PYTHONDONTWRITEBYTECODE=1 PYTHONMALLOC=malloc MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.tcache_count=0
py=.venv/bin/python
[ "$(id -u)" = 0 ] || { echo "test: root is needed: the lab builds network namespaces." >&2; exit 1; }
if [ "${1:-}" = "--night" ]; then exec $py -m pytest -m night tests; fi
# What the stage did wrong (a deadline missed on a busy machine, an attack that did not work though our rule was away, a
# lab command that failed, a socket) gets a second try, and is named at the end ("rerun"). An assertion about our rules
# never does: a leak seen once is a leak.
again=(--reruns 1 -rR --only-rerun '^(NotInTime|NotShown|TimeoutError|TimeoutExpired|CommandFailed|OSError|Connection\w+Error|BrokenPipeError|ReadTimeout|ConnectTimeout)\b')
status=0
run() {
  printf '== %s\n' "$1"; shift
  "$@"; code=$?
  if [ $code != 0 ]; then echo "test: failed with exit code $code" >&2; status=1; fi
}
loopback=(unshare --net --mount --pid --fork --kill-child --mount-proc sh -c 'ip link set lo up && exec "$@"' _)
said=$(mktemp -d --tmpdir=/dev/shm)
streams=()
beside() {  # NAME COMMAND …: starts it; what it says is shown by `join NAME TITLE`
  local name=$1; shift
  "$@" >"$said/$name" 2>&1 &
  streams+=("$!"); printf '%s' "$!" >"$said/$name.pid"
}
join() {
  wait "$(cat "$said/$1.pid")"
  run "$2" sh -c 'cat "$1"; exit "$2"' _ "$said/$1" $?
}
trap 'kill "${streams[@]}" 2>/dev/null; rm -rf "$said"' EXIT
sandboxed=(tests/lab/test_node_wireguard.py tests/lab/test_node_firewall.py
  tests/lab/test_openvpn.py tests/lab/test_openvpn_confinement.py tests/lab/test_openvpn_residue.py)
beside sandboxes $py -m pytest "${again[@]}" -m "not night" "${sandboxed[@]}"
beside site sh -c '"$@"; code=$?; touch "$0"; exit $code' "$said/site.over" \
  "${loopback[@]}" $py -m pytest "${again[@]}" -m "not night" tests/site
beside contract sh -c 'until [ -e "$0" ]; do sleep 1; done; exec "$@"' "$said/site.over" \
  nice -n 10 "${loopback[@]}" $py -m pytest "${again[@]}" -m "not night" tests/contract
run "unit: without a network" unshare --net $py -m pytest -m "not night" tests/unit
run "journey: a person with stock clients" $py -m pytest -m "not night" tests/lab/test_journey.py
join site "site: in a browser, on a loopback of its own (ran beside the above)"
join contract "contract: doors, processors and databases, on a loopback of their own (ran beside the above)"
join sandboxes "nodes and OpenVPN in small sandboxes (ran beside the above)"
without=(--ignore=tests/lab/test_journey.py); for file in "${sandboxed[@]}"; do without+=("--ignore=$file"); done
run "lab and findings: an internet in namespaces" $py -m pytest "${again[@]}" -m "not night" "${without[@]}" tests/lab tests/findings
exit $status
