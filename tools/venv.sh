#!/bin/sh
# Make .venv with the given Python. Debian keeps the module that does it in a package of its own.
set -eu
rm -rf .venv
if "$1" -m venv .venv >/dev/null 2>&1; then
  exit 0
fi
package="python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing $package, which Debian keeps apart from Python ..."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
  rm -rf .venv
  "$1" -m venv .venv
else
  rm -rf .venv
  echo "$1 cannot make a virtual environment. On Debian or Ubuntu: sudo apt-get install $package" >&2
  exit 1
fi
