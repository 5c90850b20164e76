"""Rules, prices seen, patrols, violation cases with their evidence, steps and letters, alarms and complaints.

What was seen, what was done and what was written is never changed: the database refuses it.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Channel, Shop
from tongpan.network.models import Node


class PatrolRules(models.Model):
    """A version of ``rules.Rules`` as JSON; the newest one counts. Never changed."""

    version = models.PositiveIntegerField(primary_key=True)
    rules = models.JSONField()
    note = models.TextField(blank=True)
    actor = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "patrol_rules"


class SellerClass(models.TextChoices):
    OWN = "own", _("Own shop")
    AUTHORISED = "authorised", _("Authorised seller")
    UNAUTHORISED = "unauthorised", _("Unauthorised seller")
    COMPETITOR = "competitor", _("Competitor")


class FindingCode(models.TextChoices):
    NONE = "", _("Within the rules")
    UNDER_FLOOR = "under_floor", _("Under the floor")
    UNDER_BAND = "under_band", _("Under the band")
    DEEP_DISCOUNT = "deep_discount", _("Deep discount")
    OVER_BAND = "over_band", _("Above the band")


class Observation(models.Model):
    """A price that was seen on a channel at one moment. Never changed; natural_key tells two sightings apart.

    Of a competitor, ``sku`` is ours that its goods stand against. shop: where it is one of ours; dealer: whose it is.
    listed_minor: of one unit where ``units`` are bought together. components, parts: what was seen of discounts, and
    what ``effective.effective_price`` made of each. standard: what the price book said then. finding: the worst;
    findings: all. rules_version: of the rules that judged it. evidence_hash: SHA-256 of what evidence_ref points to.
    """

    id = models.BigAutoField(primary_key=True)
    natural_key = models.BinaryField(unique=True)
    digest = models.BinaryField()
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)
    shop = models.ForeignKey(Shop, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    dealer = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    seller = models.CharField(_("seller"), max_length=120)
    seller_class = models.CharField(_("kind of seller"), max_length=12, choices=SellerClass.choices)
    goods_name = models.CharField(_("goods as offered"), max_length=300, blank=True)
    region = models.CharField(_("province"), max_length=60, blank=True)
    url = models.CharField(_("address"), max_length=500, blank=True)
    currency = models.CharField(max_length=3)
    units = models.PositiveIntegerField(default=1)
    listed_minor = models.BigIntegerField(_("listed price"))
    components = models.JSONField()
    parts = models.JSONField()
    effective_minor = models.BigIntegerField(_("effective price"))
    standard = models.JSONField()
    finding = models.CharField(_("finding"), max_length=16, blank=True, choices=FindingCode.choices)
    findings = models.JSONField()
    deviation_bp = models.IntegerField(null=True)
    rules_version = models.PositiveIntegerField()
    evidence_ref = models.CharField(_("evidence"), max_length=500, blank=True)
    evidence_hash = models.CharField(max_length=64, blank=True)
    observed_at = models.DateTimeField(_("observed"))
    observer = models.CharField(_("observer"), max_length=150)
    source = models.CharField(max_length=8, choices=[("form", "form"), ("file", "file"), ("api", "api")])
    recorded_at = models.DateTimeField(db_default=Now())
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(listed_minor__gte=0, effective_minor__gte=0, units__gt=0)
                & Q(effective_minor__lte=F("listed_minor")),
                name="observation_amounts",
            ),
            models.CheckConstraint(
                condition=~Q(seller_class="own") | Q(shop__isnull=False), name="own_observation_names_its_shop"
            ),
            models.CheckConstraint(
                condition=~Q(seller_class="competitor") | Q(finding=""), name="competitor_breaks_no_rule"
            ),
        ]
        indexes = [
            models.Index(fields=["-observed_at", "-id"], name="observation_recent"),
            models.Index(fields=["sku", "channel", "-observed_at"], name="observation_of_sku"),
            models.Index(
                fields=["dealer", "-observed_at"], condition=Q(dealer__isnull=False), name="observation_dealer"
            ),
            models.Index(fields=["-observed_at", "-id"], condition=~Q(finding=""), name="observation_found"),
        ]

    @property
    def deviation_pct(self) -> float | None:
        """The effective price against the guide price, in percent."""
        return None if self.deviation_bp is None else self.deviation_bp / 100


class PatrolPlan(models.Model):
    """Who looks at which prices how often. Its items are pairs of a SKU and a channel."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80, unique=True)
    every_days = models.PositiveSmallIntegerField(_("every so many days"))
    assignee = models.CharField(_("who looks"), max_length=150)
    starts_on = models.DateField(_("from day"))
    is_active = models.BooleanField(_("active"), default=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(every_days__gte=1, every_days__lte=366), name="patrol_every_days")
        ]


class PatrolItem(models.Model):
    id = models.BigAutoField(primary_key=True)
    plan = models.ForeignKey(PatrolPlan, on_delete=models.CASCADE, related_name="items", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "sku", "channel"], name="patrol_item_once")]


class ViolationKind(models.TextChoices):
    PRICE = "price", _("Price")
    DIVERSION = "diversion", _("Diversion")


class ViolationStatus(models.TextChoices):
    OPEN = "open", _("Open")
    EVIDENCE = "evidence", _("Evidence asked for")
    CONFIRMED = "confirmed", _("Confirmed")
    WARNING = "warning", _("Warned")
    FINE = "fine", _("Fined")
    TERMINATION = "termination", _("Cooperation ends")
    DISMISSED = "dismissed", _("Dismissed")
    CLOSED = "closed", _("Closed")


class ViolationCase(models.Model):
    """What is done about one violation of a party; ``casework`` says which step follows which.

    party: "dealer:CODE", "shop:CODE" or "seller:CHANNEL:NAME", by which repeats are counted. revision: who takes a step
    names the one that was looked at. sanctioned_at: of the last sanction.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=ViolationKind.choices)
    status = models.CharField(_("status"), max_length=12, choices=ViolationStatus.choices)
    party = models.CharField(_("party"), max_length=200)
    party_name = models.CharField(_("party"), max_length=120)
    dealer = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    shop = models.ForeignKey(Shop, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    sku = models.ForeignKey(Sku, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    finding = models.CharField(_("finding"), max_length=16, blank=True)
    appeal = models.CharField(
        _("appeal"),
        max_length=8,
        blank=True,
        choices=[("", _("None")), ("filed", _("Filed")), ("granted", _("Granted")), ("rejected", _("Rejected"))],
    )
    fine_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="CNY")
    opened_at = models.DateTimeField(_("opened"))
    opened_by = models.TextField()
    confirmed_at = models.DateTimeField(null=True)
    sanctioned_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(_("due"), null=True)
    closed_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=1)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        db_table = "patrol_case"
        constraints = [
            models.CheckConstraint(
                condition=Q(fine_minor__isnull=True) | Q(fine_minor__gt=0), name="violation_fine_positive"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["dismissed", "closed"], due_at__isnull=True, closed_at__isnull=False)
                | (~Q(status__in=["dismissed", "closed"]) & Q(due_at__isnull=False, closed_at__isnull=True)),
                name="violation_is_due_until_its_end",
            ),
            models.UniqueConstraint(
                fields=["kind", "party", "sku"],
                condition=~Q(status__in=["dismissed", "closed"]),
                nulls_distinct=False,
                name="one_open_violation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], condition=~Q(status__in=["dismissed", "closed"]), name="violation_open"
            ),
            models.Index(fields=["-opened_at", "-id"], name="violation_recent"),
            models.Index(fields=["party", "confirmed_at"], name="violation_of_party"),
            models.Index(fields=["dealer"], condition=Q(dealer__isnull=False), name="violation_of_dealer"),
        ]

    @property
    def number(self) -> str:
        """What people and letters call it."""
        return f"VC{self.pk}"


class Evidence(models.Model):
    """Something that speaks for or against a case: a price seen, a diversion score, a file, words. Never changed."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(ViolationCase, on_delete=models.PROTECT, related_name="evidence", db_index=False)
    kind = models.CharField(
        max_length=12,
        choices=[
            ("observation", _("Price seen")),
            ("diversion", _("Diversion score")),
            ("file", _("File")),
            ("statement", _("Statement")),
        ],
    )
    observation = models.ForeignKey(Observation, null=True, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=500, blank=True)
    hash = models.CharField(max_length=64, blank=True)
    note = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    added_by = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "observation"], condition=Q(observation__isnull=False), name="evidence_once"
            ),
            models.UniqueConstraint(
                fields=["case", "kind", "reference"],
                condition=~Q(reference="") & Q(observation__isnull=True),
                name="evidence_reference_once",
            ),
        ]


class CaseStep(models.Model):
    """One step of a case: who, when, why, from where to where. Never changed."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(ViolationCase, on_delete=models.PROTECT, related_name="steps", db_index=False)
    kind = models.CharField(max_length=12)
    before = models.CharField(max_length=12, blank=True)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    actor = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "patrol_step"
        indexes = [models.Index(fields=["case", "id"], name="step_of_violation")]


class Letter(models.Model):
    """What was written to the party at a step. Never changed."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(ViolationCase, on_delete=models.PROTECT, related_name="letters")
    step = models.OneToOneField(CaseStep, on_delete=models.PROTECT, related_name="letter")
    kind = models.CharField(max_length=12)
    language = models.CharField(max_length=2)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    fields = models.JSONField()
    actor = models.TextField()
    at = models.DateTimeField()


class PriceWar(models.Model):
    """Several sellers undercut each other on a SKU. One open alarm for a SKU; cuts: of the last look."""

    id = models.BigAutoField(primary_key=True)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    sellers = models.JSONField()
    cuts = models.JSONField()
    start_minor = models.BigIntegerField()
    low_minor = models.BigIntegerField()
    rules_version = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "patrol_price_war"
        constraints = [
            models.UniqueConstraint(fields=["sku"], condition=Q(closed_at__isnull=True), name="one_open_price_war")
        ]
        indexes = [models.Index(fields=["-opened_at", "-id"], name="price_war_recent")]


class PriceComplaint(models.Model):
    """A buyer complains of a price (PRI-13). Its conflict is the price seen, or the two prices of ours, it points to.

    Natural key: (channel, external_id). conflict: what was found when it was taken in, see ``queries.conflict_of``.
    """

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(_("number"), max_length=120)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="+", db_index=False)
    order_number = models.CharField(_("order"), max_length=120, blank=True)
    text = models.TextField(_("complaint"))
    said_at = models.DateTimeField(_("said at"))
    currency = models.CharField(max_length=3)
    paid_minor = models.BigIntegerField(null=True)
    other_minor = models.BigIntegerField(null=True)
    other_channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    observation = models.ForeignKey(Observation, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(
        ViolationCase, null=True, on_delete=models.PROTECT, related_name="complaints", db_index=False
    )
    conflict = models.CharField(max_length=16, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.TextField()

    class Meta:
        db_table = "patrol_complaint"
        constraints = [models.UniqueConstraint(fields=["channel", "external_id"], name="complaint_once")]
        indexes = [models.Index(fields=["-said_at", "-id"], name="complaint_recent")]
