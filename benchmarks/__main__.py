"""``python -m benchmarks [NAME …]``: measure all, or those named (the keys of ``ALL``), and print one table."""

from __future__ import annotations

import platform
import sys
import time

from benchmarks import (
    conflicts,
    console,
    coupons,
    dry_run,
    exports,
    intake,
    metrics,
    million,
    network,
    orders,
    promotions,
    quotes,
    refunds,
    replay,
    routing,
    single_orders,
    stock,
)
from benchmarks.table import render

ALL = {
    "intake": intake.measure,
    "exports": exports.measure,
    "orders": orders.measure,
    "single": single_orders.measure,
    "refunds": refunds.measure,
    "routing": routing.measure,
    "dry-run": dry_run.measure,
    "network": network.measure,
    "promotions": promotions.measure,
    "conflicts": conflicts.measure,
    "replay": replay.measure,
    "coupons": coupons.measure,
    "quotes": quotes.measure,
    "stock": stock.measure,
    "metrics": metrics.measure,
    "console": console.measure,
    "million": million.measure,
}


def main() -> None:
    wanted = sys.argv[1:] or list(ALL)
    if unknown := [name for name in wanted if name not in ALL]:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}.")
    rows = []
    for name in wanted:
        started = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += ALL[name]()
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}")
    print(render(rows))
    if any(row.is_met is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
