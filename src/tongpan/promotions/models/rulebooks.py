"""The rulebook as data: drafts that are edited, versions that never change, and the campaigns their rules belong to."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class RulebookVersion(models.Model):
    """One published state of the whole rulebook; the database refuses any change. The highest that is published counts.

    document: as ``promotions.engine.language`` reads it; digest: what it hashes to. note: why it was published.
    notice_zh, notice_en: the announcement of how offers may be stacked, as it was published with it (PRM-06).
    findings: what the check before launch had found, with who accepted it and why.
    """

    version = models.PositiveIntegerField(primary_key=True)
    document = models.JSONField()
    digest = models.CharField(max_length=32, db_default="")
    published_at = models.DateTimeField()
    published_by = models.TextField()
    note = models.CharField(max_length=500, blank=True)
    notice_zh = models.TextField(blank=True)
    notice_en = models.TextField(blank=True)
    findings = models.JSONField(default=list)

    class Meta:
        ordering = ["-version"]
        constraints = [models.CheckConstraint(condition=Q(version__gt=0), name="rulebook_version_counts_from_1")]
        indexes = [models.Index(fields=["published_at"], name="rulebook_published")]


class Draft(models.Model):
    """A whole rulebook that is being worked on.

    base_version: the version that it was begun with, 0 for none. revision: counts its changes; the check before launch
    looked at one of them.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=40, unique=True)
    base_version = models.PositiveIntegerField(default=0)
    document = models.JSONField()
    note = models.CharField(_("why it is changed"), max_length=500, blank=True)
    revision = models.PositiveIntegerField(default=1)
    updated_by = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]


class DiscountMode(models.TextChoices):
    """Whether a campaign gives the same everywhere (X-32)."""

    UNIFIED = "unified", _("The same on all channels")
    PER_CHANNEL = "per_channel", _("Each channel its own")


class Campaign(models.Model):
    """What several rules on several channels belong to (CAL-04): one theme, one rhythm, one core benefit.

    channels: codes. tolerance_bp: how far net prices of its channels may lie apart, in hundredths of a percent of the
    lower one; 0 for a unified discount. budget_minor: what all its rules may cost together, null: any. rhythm: its
    phases, [{"name_zh", "name_en", "starts", "ends"}], RFC 3339, half-open. announce_at: when all channels announce
    it, at the same time. [starts, ends): its window.
    """

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80)
    theme_zh = models.CharField(max_length=200, blank=True)
    theme_en = models.CharField(max_length=200, blank=True)
    core_benefit_zh = models.CharField(max_length=200, blank=True)
    core_benefit_en = models.CharField(max_length=200, blank=True)
    discount_mode = models.CharField(max_length=12, choices=DiscountMode.choices, default=DiscountMode.UNIFIED)
    tolerance_bp = models.PositiveIntegerField(default=0)
    budget_minor = models.BigIntegerField(_("budget"), null=True)
    starts = models.DateTimeField(_("starts"))
    ends = models.DateTimeField(_("ends"))
    announce_at = models.DateTimeField(_("announced at"), null=True)
    channels = ArrayField(models.TextField(), default=list)
    rhythm = models.JSONField(default=list)
    updated_by = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts", "code"]
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="campaign_has_a_window"),
            models.CheckConstraint(condition=Q(tolerance_bp__lte=10_000), name="campaign_tolerance_is_a_share"),
        ]
        indexes = [models.Index(fields=["starts", "ends"], name="campaign_window")]


class Announcement(models.Model):
    """How one channel says what a campaign gives. Theme, rhythm and core benefit are the campaign's, the same for all.

    channel: a code. form: "live preview", "banner", "community post" and the like.
    """

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="announcements", db_index=False)
    channel = models.TextField()
    form = models.CharField(_("form"), max_length=40, blank=True)
    words_zh = models.TextField(blank=True)
    words_en = models.TextField(blank=True)
    announced_at = models.DateTimeField(null=True)
    announced_by = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "channel"], name="announcement_once_a_channel")]
