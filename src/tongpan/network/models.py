"""Nodes that hold stock and ship it, and which shop each of them serves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Shop


class NodeKind(models.TextChoices):
    CENTRAL = "central", _("Central warehouse")
    SUB_WAREHOUSE = "sub_warehouse", _("Sub-warehouse")
    STORE = "store", _("Store")
    COUNTER = "counter", _("Counter")
    DEALER = "dealer", _("Dealer")
    SUPPLIER = "supplier", _("Supplier")
    IN_TRANSIT = "in_transit", _("In transit")


class Node(models.Model):
    """A place that holds stock. ``latitude``/``longitude`` are degrees (GCJ-02 within China).

    tracks_stock: False for a supplier who ships from its own stock: its fulfilments move none of ours. The one node
    of kind IN_TRANSIT is no place: goods on their way between two nodes are booked there, and nobody ships from it.
    """

    code = models.CharField(_("code"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=NodeKind.choices)
    name = models.CharField(_("name"), max_length=80)
    division = models.CharField(_("administrative division"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    tracks_stock = models.BooleanField(_("tracks stock"), default=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_simulated = models.BooleanField(_("simulated"), default=False)

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """``node`` may serve the orders of ``shop``. A shop without any row is served by no node.

    takes_returns: goods of returns without a named node come back here (one node of a shop).
    """

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE, related_name="services")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="services")
    takes_returns = models.BooleanField(_("takes returns"), default=False)

    class Meta:
        db_table = "network_service"
        constraints = [
            models.UniqueConstraint(fields=["shop", "node"], name="service_once"),
            models.UniqueConstraint(
                fields=["shop"], condition=models.Q(takes_returns=True), name="one_returns_node_of_a_shop"
            ),
        ]
