"""The ``tongpan`` command: every command is registered here."""

from __future__ import annotations

import os
from typing import Any

import click

from tongpan import __version__
from tongpan.cli.account import account
from tongpan.cli.apikey import apikey
from tongpan.cli.backup import backup, restore
from tongpan.cli.channel import channel
from tongpan.cli.demo import demo
from tongpan.cli.doctor import doctor
from tongpan.cli.exchange import exchange
from tongpan.cli.export import export
from tongpan.cli.fulfillment import fulfillment
from tongpan.cli.goods import goods
from tongpan.cli.import_ import import_
from tongpan.cli.lake import lake
from tongpan.cli.metrics import metrics
from tongpan.cli.migrate import migrate
from tongpan.cli.patrol import patrol
from tongpan.cli.prices import prices
from tongpan.cli.promotions import promotions
from tongpan.cli.quality import quality
from tongpan.cli.reconcile import reconcile
from tongpan.cli.replay import replay
from tongpan.cli.returns import returns
from tongpan.cli.risk import risk
from tongpan.cli.routing import routing
from tongpan.cli.shop import shop
from tongpan.cli.stock import stock
from tongpan.cli.stock_work import counts, covers, replenishment, transfers
from tongpan.cli.supply import supply
from tongpan.cli.up import readers, up, web, worker
from tongpan.cli.user import user
from tongpan.cli.vault import vault
from tongpan.cli.webhook import webhook
from tongpan.core.errors import Refusal


class RefusingGroup(click.Group):
    """A group whose commands end with a sentence on stderr and exit code 1 when they are refused."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            click.echo(f"tongpan: {refusal.sentence}", err=True)
            ctx.exit(1)


@click.group(cls=RefusingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tongpan")
def main() -> None:
    """Tongpan 通盘: omnichannel commerce operations."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")


COMMANDS: tuple[click.Command, ...] = (
    up,
    doctor,
    demo,
    import_,
    export,
    channel,
    shop,
    goods,
    stock,
    prices,
    account,
    metrics,
    supply,
    promotions,
    replay,
    routing,
    fulfillment,
    lake,
    migrate,
    user,
    apikey,
    vault,
    returns,
    webhook,
    exchange,
    quality,
    patrol,
    risk,
    reconcile,
    backup,
    restore,
    web,
    worker,
    readers,
)
for of_stock in (counts, transfers, replenishment, covers):
    stock.add_command(of_stock)
for command in COMMANDS:
    main.add_command(command)
