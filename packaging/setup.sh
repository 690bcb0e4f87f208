#!/bin/sh
# Fills the virtual environment $VENV for work on Rotoshot, and installs the few Debian/Ubuntu libraries
# that Qt needs where it may. Safe to run again: what is there already is kept.
set -eu

PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
here=$(dirname "$0")

missing_packages() { # the names, of those given, that dpkg does not hold as installed
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || printf '%s ' "$name"
  done
}

install_packages() { # installs what is missing of the packages given, or names it in one line
  command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 || return 0
  # shellcheck disable=SC2046  # one word a package is meant
  set -- $(missing_packages "$@")
  [ $# -gt 0 ] || return 0
  if [ "$(id -u)" = 0 ]; then as_root=""
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo"
  else
    echo "rotoshot: no right to install system packages; please run: sudo apt-get install $*" >&2
    return 0
  fi
  export DEBIAN_FRONTEND=noninteractive
  { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends "$@"; } </dev/null >/dev/null ||
    echo "rotoshot: apt-get failed; please run: sudo apt-get install $*" >&2
}

make_venv() { # Debian ships python3 without ensurepip: python3-venv brings it
  [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1 && return 0
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "rotoshot: $PYTHON is older than Python 3.11; run: make setup PYTHON=python3.11" >&2
    exit 1
  }
  if ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
    install_packages "$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    "$PYTHON" -c 'import ensurepip' || exit 1
  fi
  "$PYTHON" -m venv "$VENV"
}

# shellcheck disable=SC2046
install_packages $(sed 's/#.*//' "$here/system-libraries.txt")
make_venv
"$VENV/bin/python" -m pip install --disable-pip-version-check --quiet --editable '.[dev]'
