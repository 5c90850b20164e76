"""Carts of own channels: what a buyer has chosen and not ordered yet."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Shop
from tongpan.customers.models import Customer


class Cart(models.Model):
    """A cart of one shop front. It is named by ``token``, which only its front knows.

    order: what it became at checkout; such a cart is changed no more. A cart without one that nobody changed for a
    time is abandoned (setting ``orders.checkout``).
    """

    id = models.BigAutoField(primary_key=True)
    token = models.CharField(max_length=32, unique=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, db_index=False)
    customer = models.ForeignKey(Customer, null=True, on_delete=models.PROTECT)
    order = models.OneToOneField("orders.Order", null=True, on_delete=models.SET_NULL, related_name="cart")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        indexes = [
            models.Index(fields=["-changed_at", "-id"], name="cart_recent"),
            models.Index(fields=["changed_at", "id"], condition=Q(order__isnull=True), name="cart_open"),
        ]


class CartLine(models.Model):
    """Units of one SKU at the unit price that the shop front showed, in minor units of the channel's currency."""

    id = models.BigAutoField(primary_key=True)
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT)
    qty = models.PositiveIntegerField()
    unit_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "sku"], name="cart_line_once"),
            models.CheckConstraint(condition=Q(qty__gt=0, unit_minor__gte=0), name="cart_line_positive"),
        ]
