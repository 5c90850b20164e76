#!/bin/sh
# See that the browser tests find a Chromium and Chinese letters: on Debian as root install them, else say how.
set -eu
has_browser() {
  [ -n "${TONGPAN_CHROMIUM:-}" ] || [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] ||
    command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable
}
has_letters() {
  ! command -v fc-list || [ -n "$(fc-list :lang=zh family)" ]
}
if has_browser >/dev/null 2>&1 && has_letters >/dev/null 2>&1; then
  exit 0
fi
system=$(. /etc/os-release 2>/dev/null && echo "$ID" || true)
if [ "$system" = debian ] && [ "$(id -u)" = 0 ]; then
  echo "Installing Chromium and a Chinese font for the browser tests ..."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null
else
  echo "No Chromium with Chinese letters: the browser tests will be skipped. To run them, install Chromium or Chrome"
  echo "and Noto Sans CJK (Debian: sudo apt-get install chromium fonts-noto-cjk), or set TONGPAN_CHROMIUM."
fi
