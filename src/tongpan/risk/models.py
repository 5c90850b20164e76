"""The register of serials and batches, where they were seen, the rules of the diversion score, and its results."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Shop
from tongpan.network.models import Node


class CodeKind(models.TextChoices):
    SERIAL = "serial", _("Serial number")
    BATCH = "batch", _("Batch")


class GoodsCode(models.Model):
    """Goods of a serial number or of a batch that went to a dealer. Never changed."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=6, choices=CodeKind.choices)
    code = models.CharField(_("code"), max_length=80)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+", db_index=False)
    dealer = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="+", db_index=False)
    qty = models.PositiveIntegerField(_("units"))
    shipped_at = models.DateTimeField(_("shipped"))
    reference = models.CharField(_("document"), max_length=120, blank=True)
    recorded_by = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "risk_code"
        constraints = [
            models.UniqueConstraint(fields=["kind", "code", "dealer", "shipped_at"], name="code_shipped_once"),
            models.CheckConstraint(condition=Q(qty__gt=0), name="code_units_positive"),
            models.CheckConstraint(condition=~Q(kind="serial") | Q(qty=1), name="a_serial_is_one_unit"),
        ]
        indexes = [models.Index(fields=["dealer", "-shipped_at"], name="code_of_dealer")]


class SightingKind(models.TextChoices):
    SCAN = "scan", _("Scan")
    RETURN = "return", _("Return")
    WARRANTY = "warranty", _("Warranty registration")


class CodeSighting(models.Model):
    """Where a serial or batch turned up: scanned, returned or registered. The place, nobody's name. Never changed."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=6, choices=CodeKind.choices)
    code = models.CharField(_("code"), max_length=80)
    what = models.CharField(_("seen as"), max_length=8, choices=SightingKind.choices)
    province = models.CharField(_("province"), max_length=60)
    city = models.CharField(_("city"), max_length=60, blank=True)
    seen_at = models.DateTimeField(_("seen"))
    source = models.CharField(_("source"), max_length=80, blank=True)
    recorded_by = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "risk_sighting"
        constraints = [
            models.UniqueConstraint(fields=["kind", "code", "what", "seen_at"], name="sighting_once"),
        ]
        indexes = [models.Index(fields=["-seen_at", "-id"], name="sighting_recent")]


class DiversionRules(models.Model):
    """A version of ``engine.Rules`` as JSON; the newest one counts. Never changed."""

    version = models.PositiveIntegerField(primary_key=True)
    rules = models.JSONField()
    note = models.TextField(blank=True)
    actor = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "risk_rules"


class DiversionRun(models.Model):
    """One look at all dealers and shops: the window and the rules it went by. Never changed."""

    id = models.BigAutoField(primary_key=True)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    rules = models.JSONField()
    rules_version = models.PositiveIntegerField()
    subjects = models.PositiveIntegerField()
    started_by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "risk_run"


class RiskLevel(models.TextChoices):
    NONE = "none", _("Nothing striking")
    WATCH = "watch", _("To be watched")
    CASE = "case", _("A case")


class DiversionScore(models.Model):
    """What one run says of one dealer or shop: score (0 to 100), its signals, and all that they were made from.

    ``engine.score`` makes the same signals from ``inputs`` and the run's rules at any time. digest: of the inputs.
    Never changed.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(DiversionRun, on_delete=models.PROTECT, related_name="scores", db_index=False)
    dealer = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    shop = models.ForeignKey(Shop, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    score = models.PositiveSmallIntegerField(_("score"))
    level = models.CharField(_("level"), max_length=5, choices=RiskLevel.choices)
    signals = models.JSONField()
    inputs = models.JSONField()
    digest = models.BinaryField()

    class Meta:
        db_table = "risk_score"
        constraints = [
            models.UniqueConstraint(fields=["run", "dealer", "shop"], nulls_distinct=False, name="score_once"),
            models.CheckConstraint(
                condition=Q(dealer__isnull=False, shop__isnull=True) | Q(dealer__isnull=True, shop__isnull=False),
                name="score_of_a_dealer_or_a_shop",
            ),
            models.CheckConstraint(condition=Q(score__lte=100), name="score_at_most_100"),
        ]
        indexes = [models.Index(fields=["run", "-score", "id"], name="score_of_run")]
