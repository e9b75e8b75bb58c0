#!/usr/bin/env bash
# Installs what Tyst needs on Debian 12 or newer: Debian packages, the Python environment, the site's front end.
# usage: tools/setup.sh [--dev]     Says what it does; installs only what is missing; safe to run again. A machine that
# only serves needs no --dev: that is for the lab, the journey, the proof and the tests.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
dev=no; [ "${1:-}" = "--dev" ] && dev=yes
say() { printf '  %s\n' "$*"; }

# Tyst starts its programs itself. Debian's packages would start theirs too (a resolver on port 53, NetworkManager on
# every interface), now and at each boot: they are kept from it, and only those that were not here before.
policy=/usr/sbin/policy-rc.d
quiet_services() {
  [ -e "$policy" ] && return
  trap '$sudo rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
  $sudo chmod 755 "$policy"
}
leave_services_off() {
  [ -d /run/systemd/system ] || return 0
  local unit
  for unit in $(dpkg-query -L "$@" | sed -n 's,^\(/usr\)\?/lib/systemd/system/\([^/@]*\.service\)$,\2,p'); do
    $sudo systemctl disable --now -q "$unit" 2>/dev/null || true
  done
}

packages=$(grep -vE '^\s*(#|$)' requirements/debian.txt)
[ "$dev" = yes ] && packages="$packages $(grep -vE '^\s*(#|$)' requirements/debian-dev.txt)"
command -v node >/dev/null && command -v npm >/dev/null || packages="$packages nodejs npm"
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  say "Debian packages:$missing"
  log=$(mktemp)
  quiet_services
  if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2; rm -f "$log"
    echo "setup: apt-get could not install the packages above; fix that and run this again." >&2; exit 1
  fi
  rm -f "$log"
  leave_services_off $missing
fi

lock=requirements/runtime.lock; [ "$dev" = yes ] && lock=requirements/dev.lock
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed." >&2; exit 1; }
stamp=.venv/.installed
want=$(cat requirements/dev.lock requirements/runtime.lock | sha256sum | cut -d' ' -f1)-$dev
if [ ! -x .venv/bin/python ] || { [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] && [ "$(cat "$stamp" 2>/dev/null)" != "${want%-*}-yes" ]; }; then
  say "Python environment (.venv) from $lock"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
  echo "$want" > "$stamp"
fi

stamp=node_modules/.installed
want=$(cat package-lock.json | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
  say "front end (node_modules) from package-lock.json"
  npm ci --silent --no-audit --no-fund --ignore-scripts=false
  echo "$want" > "$stamp"
fi
say "front end: build"
npm run --silent build
.venv/bin/python tools/compile_messages.py
