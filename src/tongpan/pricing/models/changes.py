"""Requests to change prices, what became of their rows, and the log of everything that counted."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel
from tongpan.pricing.models.book import PriceList


class RequestState(models.TextChoices):
    PENDING = "pending", _("Waits for approval")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused by the rules")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Outcome(models.TextChoices):
    APPLIED = "applied", _("Applied")
    PENDING = "pending", _("Waits for approval")
    REFUSED = "refused", _("Refused by the rules")
    REJECTED = "rejected", _("Rejected")
    UNCHANGED = "unchanged", _("Unchanged")


class ChangeRequest(models.Model):
    """One request to change prices (PRI-02, PRI-13). why: what the person says; source: where it came from."""

    id = models.BigAutoField(primary_key=True)
    state = models.CharField(_("state"), max_length=10, choices=RequestState.choices)
    source = models.CharField(_("source"), max_length=20)
    why = models.TextField(_("reason"), blank=True)
    requested_by = models.TextField(_("requested by"))
    requested_at = models.DateTimeField(_("requested at"))
    decided_by = models.TextField(_("decided by"), blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decision_note = models.TextField(_("note"), blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Nobody approves what they asked for, whatever the code above this does.
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True) | Q(state="withdrawn") | ~Q(decided_by=F("requested_by")),
                name="decided_by_another",
            )
        ]
        indexes = [models.Index(fields=["state", "-id"], name="price_requests")]


class ChangeRow(models.Model):
    """One price of a request, and what became of it.

    amount_minor: the new price; null ends the entry. before_minor, guide_minor, low_minor, high_minor, floor_minor:
    what it was judged by. findings: what the rules said, as ``pricing.engine.Finding``.
    """

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+")
    min_qty = models.PositiveIntegerField(default=1)
    amount_minor = models.BigIntegerField(null=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    before_minor = models.BigIntegerField(null=True)
    guide_minor = models.BigIntegerField(null=True)
    low_minor = models.BigIntegerField(null=True)
    high_minor = models.BigIntegerField(null=True)
    floor_minor = models.BigIntegerField(null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    findings = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "number"], name="change_row_once")]


class PriceLog(models.Model):
    """Everything that changed in the book: who, when, before, after, why, approved by (PRI-13). Append-only.

    what: entry, floor, cost, band, settings or list. before, after: the values that changed, as JSON.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"))
    what = models.CharField(_("what"), max_length=10)
    sku = models.ForeignKey(Sku, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    price_list = models.ForeignKey(PriceList, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor = models.TextField(_("who"))
    approved_by = models.TextField(_("approved by"), blank=True)
    why = models.TextField(_("reason"), blank=True)
    request = models.ForeignKey(ChangeRequest, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["sku", "-id"], name="price_log_of_sku")]


class PersonalPrice(models.Model):
    """A price or an offer that one buyer saw and others did not, and what it was made from (SEC-08). Append-only.

    subject: the customer's number. source: the list or rule that made it. inputs: name -> value.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"))
    subject = models.CharField(max_length=100)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)
    public_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=100)
    inputs = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject", "-id"], name="personal_of_subject")]
