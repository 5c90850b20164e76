"""The columns of the order desk: what can be shown, what a person chose, and what an export holds."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from tongpan.console.choices import local_name
from tongpan.console.lists import Column
from tongpan.core.money import to_decimal


def _money(name: str) -> Any:
    return lambda order: to_decimal(getattr(order, name), order.currency)


NUMBER = Column("number", _("Order"), lambda order: order.external_id)
COLUMNS = (
    NUMBER,
    Column("placed", _("Placed at"), lambda order: order.placed_at, sort="placed", starts_descending=True),
    Column("channel", _("Channel"), lambda order: local_name(order.channel)),
    Column("shop", _("Shop"), lambda order: order.shop.name),
    Column("status", _("Status"), lambda order: order.get_status_display()),
    Column("customer", _("Customer"), lambda order: order.customer.code if order.customer else ""),
    Column("city", _("Ship to"), lambda order: order.ship_city),
    Column("units", _("Units"), lambda order: order.units, is_number=True),
    Column("total", _("Total"), _money("total_minor"), sort="total", is_number=True, starts_descending=True),
    Column("promised", _("Promised for"), lambda order: order.promised_at),
)
MORE_COLUMNS = (
    Column("tags", _("Tags"), lambda order: ", ".join(one.tag for one in order.tags.all())),
    Column("nodes", _("Ships from"), None),
    Column("paid", _("Paid at"), lambda order: order.paid_at),
    Column("channel_status", _("Status on the channel"), lambda order: order.channel_status),
    Column("refunded", _("Refunded"), _money("refunded_minor"), is_number=True),
)
SHOWN_AT_FIRST = tuple(column.key for column in COLUMNS)
ALL_COLUMNS = (*COLUMNS, *MORE_COLUMNS)
EXPORT_COLUMNS = (
    *COLUMNS,
    *(column for column in MORE_COLUMNS if column.value),
    Column("currency", _("Currency"), lambda order: order.currency),
    Column("goods", _("Goods amount"), _money("goods_minor"), is_number=True),
    Column("charges", _("Charges"), _money("charges_minor"), is_number=True),
    Column("business_date", _("Business day"), lambda order: order.business_date),
    Column("simulated", _("Simulated"), lambda order: int(order.is_simulated)),
)


def chosen_columns(keys: list[str] | None) -> list[Column]:
    """The columns of ``keys`` in the order of the desk; those shown at first with None. The number is always there."""
    wanted = {NUMBER.key, *(SHOWN_AT_FIRST if keys is None else keys)}
    return [column for column in ALL_COLUMNS if column.key in wanted]
