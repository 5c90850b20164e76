"""Customers and the identifiers they are known by."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Customer(models.Model):
    """One person or company. Personal data is sealed by the vault (``access.vault``) and never in the clear.

    name_sealed: the name as vault ciphertext, empty when unknown.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("customer number"), max_length=80, unique=True)
    name_sealed = models.BinaryField(default=b"")
    province = models.CharField(_("province"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))

    class Meta:
        indexes = [models.Index(fields=["-first_seen_at", "-id"], name="customer_recent")]


class Identifier(models.Model):
    """A value that stands for a customer within a scope: a buyer id of one shop, a company-wide number.

    digest: keyed hash of (kind, scope, normalised value) by the vault's blind index: it can be looked up,
    not read back; value_sealed can be opened by the vault. One identifier belongs to one customer.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    scope = models.CharField(max_length=60)
    digest = models.BinaryField()
    value_sealed = models.BinaryField()
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identifiers")
    first_seen_at = models.DateTimeField()

    class Meta:
        # The digest covers kind and scope. Which of these exist is asked by a walk along their index.
        constraints = [models.UniqueConstraint(fields=["digest"], name="identifier_once")]
        indexes = [models.Index(fields=["kind", "scope"], name="identifier_kinds")]
