"""Loads the demo company: sets it up, writes its files, and imports them like any other file."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tongpan.access.actions import create_user
from tongpan.access.models import User
from tongpan.connectors.actions import import_path
from tongpan.core.clock import DEFAULT_ZONE, utc_now, zone
from tongpan.core.config import Config
from tongpan.core.stored import store, stored
from tongpan.demo.company import ACTOR, describe, set_up
from tongpan.demo.counter import stage
from tongpan.demo.engine import HISTORY_ENDS, SHIFT
from tongpan.demo.files import (
    demo_mapping_path,
    survey,
    write_channel_days,
    write_counts,
    write_opening_stock,
    write_orders,
)
from tongpan.demo.offers import make_offers
from tongpan.demo.patrol import patrol
from tongpan.demo.surroundings import dress
from tongpan.forecasting.demand.actions import compute_forecasts
from tongpan.inventory.queries import book
from tongpan.runtime.readers import catch_up

LOADED = "demo.loaded"
VERSION = 1
LOGIN = "demo"
OPEN_PASSWORD = "tongpan-demo"  # noqa: S105 - printed, and used on a loopback address only
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FIRST_DAY = datetime(2010, 12, 1) + SHIFT

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def is_loaded() -> bool:
    return (stored(LOADED) or {}).get("version") == VERSION


def load(config: Config, progress: Progress) -> dict[str, Any] | None:
    """Load the demo company unless it is there; the result of importing its orders, or None.

    Each step is an ordinary import, committed batch by batch: after a kill the next load completes the rest. The
    readers may run beside it. Files are written to ``data_dir/demo``.
    """
    if is_loaded():
        return None
    now = utc_now()
    folder = config.data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    about = describe()
    progress("set-up", 0, 1)
    set_up(now)
    found = survey(about)
    write_opening_stock(folder / "opening-stock.csv", about, found, _aware(FIRST_DAY - timedelta(days=1)))
    write_channel_days(folder / "channel-days.csv", about, found)
    write_orders(folder / "orders.csv", about, found)
    progress("set-up", 1, 1)
    _import(folder / "opening-stock.csv", "stock-levels", progress)
    result = import_path(
        folder / "orders.csv",
        mapping_path=demo_mapping_path(),
        shop_code=about.house_shop,
        actor=ACTOR,
        now=utc_now(),
        progress=progress,
    )
    _import(folder / "channel-days.csv", "channel-days", progress)
    _follow(progress)
    counts = folder / "cycle-count.csv"
    # A count already booked has changed the book: writing it anew would make another count of it.
    if not counts.exists():
        write_counts(counts, book(), _aware(HISTORY_ENDS))
    _import(counts, "stock-levels", progress)
    dress(about, utc_now())
    stage(about, utc_now())
    make_offers(utc_now())
    patrol(about, utc_now())
    _follow(progress)
    compute_forecasts(now=utc_now())
    store(LOADED, {"version": VERSION, "rows": result["rows"]})
    return result


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=zone(DEFAULT_ZONE))


def _import(path: Path, format_name: str, progress: Progress) -> None:
    import_path(path, format_name=format_name, actor=ACTOR, now=utc_now(), progress=progress)


def _follow(progress: Progress) -> None:
    most = 0

    def left(events: int) -> None:
        nonlocal most
        most = max(most, events)
        progress("following", most - events, most)

    catch_up(left)


def login(config: Config) -> tuple[str, str]:
    """The demo's user and password, made on first use.

    On a loopback address the password is a fixed one; an installation that others can reach gets one of its own,
    kept in ``secrets_dir/demo-password``.
    """
    path = config.secrets_dir / "demo-password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(OPEN_PASSWORD if config.host in LOOPBACK else secrets.token_urlsafe(12))
    password = path.read_text()
    if not User.objects.filter(username=LOGIN).exists():
        create_user(LOGIN, password, "administrator", now=utc_now(), actor=ACTOR, display_name="演示 Demo")
    return LOGIN, password
