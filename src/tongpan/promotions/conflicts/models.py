"""What the check before launch keeps: its runs, what they found, what was accepted, and notices of the stack matrix."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Check(models.Model):
    """One run of the check over a draft.

    document_hash: of the rulebook that was looked at. campaign: "" when the whole draft was. coverage: for each kind
    how far it was searched (``findings.Coverage``). carts: how many were priced.
    """

    id = models.BigAutoField(primary_key=True)
    draft = models.CharField(_("draft"), max_length=40)
    campaign = models.CharField(_("campaign"), max_length=40, blank=True)
    document_hash = models.CharField(max_length=32)
    checked_by = models.TextField(_("checked by"))
    checked_at = models.DateTimeField(_("checked at"))
    took_ms = models.PositiveIntegerField()
    sku_count = models.PositiveIntegerField()
    channel_count = models.PositiveIntegerField()
    carts = models.PositiveIntegerField()
    pairs = models.PositiveIntegerField()
    proven = models.PositiveIntegerField()
    coverage = models.JSONField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["draft", "-id"], name="check_of_draft")]


class CheckFinding(models.Model):
    """One contradiction that a run found. key: ``findings.Finding.key``; content: the finding as JSON."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="findings", db_index=False)
    position = models.PositiveIntegerField()
    kind = models.CharField(_("kind"), max_length=16)
    key = models.CharField(max_length=32)
    content = models.JSONField()

    class Meta:
        ordering = ["run", "position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="check_finding_once"),
            models.UniqueConstraint(fields=["run", "key"], name="check_finding_key_once"),
        ]


class Acceptance(models.Model):
    """Somebody entitled lets a finding stand, with a reason. It counts while the draft's finding keeps its key."""

    id = models.BigAutoField(primary_key=True)
    draft = models.CharField(_("draft"), max_length=40)
    key = models.CharField(max_length=32)
    reason = models.CharField(_("reason"), max_length=500)
    accepted_by = models.TextField(_("accepted by"))
    accepted_at = models.DateTimeField(_("accepted at"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "key"], name="finding_accepted_once"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="acceptance_has_a_reason"),
        ]


class StackNotice(models.Model):
    """The stack matrix as customers were told it (PRM-06); the newest counts, and none is ever changed.

    matrix: {"groups": [...], "pairs": [[group, group], ...]}; a pair of its groups that is not listed does not stack.
    draft: the draft that it was made from.
    """

    id = models.BigAutoField(primary_key=True)
    draft = models.CharField(_("draft"), max_length=40)
    matrix = models.JSONField()
    text_zh = models.TextField()
    text_en = models.TextField()
    published_by = models.TextField(_("published by"))
    published_at = models.DateTimeField(_("published at"))

    class Meta:
        ordering = ["-id"]
