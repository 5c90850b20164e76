"""Rules, prices seen, plans, cases, alarms and complaints; what was seen or done is never changed."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION patrol_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER patrol_rules_is_append_only BEFORE UPDATE OR DELETE ON patrol_rules
  FOR EACH ROW EXECUTE FUNCTION patrol_refuse_change();
CREATE TRIGGER patrol_observation_is_append_only BEFORE UPDATE OR DELETE ON patrol_observation
  FOR EACH ROW EXECUTE FUNCTION patrol_refuse_change();
CREATE TRIGGER patrol_evidence_is_append_only BEFORE UPDATE OR DELETE ON patrol_evidence
  FOR EACH ROW EXECUTE FUNCTION patrol_refuse_change();
CREATE TRIGGER patrol_step_is_append_only BEFORE UPDATE OR DELETE ON patrol_step
  FOR EACH ROW EXECUTE FUNCTION patrol_refuse_change();
CREATE TRIGGER patrol_letter_is_append_only BEFORE UPDATE OR DELETE ON patrol_letter
  FOR EACH ROW EXECUTE FUNCTION patrol_refuse_change();
"""
UNGUARDED = """
DROP TRIGGER patrol_rules_is_append_only ON patrol_rules;
DROP TRIGGER patrol_observation_is_append_only ON patrol_observation;
DROP TRIGGER patrol_evidence_is_append_only ON patrol_evidence;
DROP TRIGGER patrol_step_is_append_only ON patrol_step;
DROP TRIGGER patrol_letter_is_append_only ON patrol_letter;
DROP FUNCTION patrol_refuse_change();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0006_fit_and_roles"),
        ("channels", "0001_initial"),
        ("network", "0004_dealers"),
    ]

    operations = [
        migrations.CreateModel(
            name="CaseStep",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=12)),
                ("before", models.CharField(blank=True, max_length=12)),
                ("reason", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "patrol_step",
            },
        ),
        migrations.CreateModel(
            name="PatrolRules",
            fields=[
                ("version", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("rules", models.JSONField()),
                ("note", models.TextField(blank=True)),
                ("actor", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "patrol_rules",
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("natural_key", models.BinaryField(unique=True)),
                ("digest", models.BinaryField()),
                ("seller", models.CharField(max_length=120, verbose_name="seller")),
                (
                    "seller_class",
                    models.CharField(
                        choices=[
                            ("own", "Own shop"),
                            ("authorised", "Authorised seller"),
                            ("unauthorised", "Unauthorised seller"),
                            ("competitor", "Competitor"),
                        ],
                        max_length=12,
                        verbose_name="kind of seller",
                    ),
                ),
                ("goods_name", models.CharField(blank=True, max_length=300, verbose_name="goods as offered")),
                ("region", models.CharField(blank=True, max_length=60, verbose_name="province")),
                ("url", models.CharField(blank=True, max_length=500, verbose_name="address")),
                ("currency", models.CharField(max_length=3)),
                ("units", models.PositiveIntegerField(default=1)),
                ("listed_minor", models.BigIntegerField(verbose_name="listed price")),
                ("components", models.JSONField()),
                ("parts", models.JSONField()),
                ("effective_minor", models.BigIntegerField(verbose_name="effective price")),
                ("standard", models.JSONField()),
                (
                    "finding",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Within the rules"),
                            ("under_floor", "Under the floor"),
                            ("under_band", "Under the band"),
                            ("deep_discount", "Deep discount"),
                            ("over_band", "Above the band"),
                        ],
                        max_length=16,
                        verbose_name="finding",
                    ),
                ),
                ("findings", models.JSONField()),
                ("deviation_bp", models.IntegerField(null=True)),
                ("rules_version", models.PositiveIntegerField()),
                ("evidence_ref", models.CharField(blank=True, max_length=500, verbose_name="evidence")),
                ("evidence_hash", models.CharField(blank=True, max_length=64)),
                ("observed_at", models.DateTimeField(verbose_name="observed")),
                ("observer", models.CharField(max_length=150, verbose_name="observer")),
                (
                    "source",
                    models.CharField(choices=[("form", "form"), ("file", "file"), ("api", "api")], max_length=8),
                ),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("is_simulated", models.BooleanField(default=False)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "dealer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="network.node",
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.shop",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PatrolPlan",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("every_days", models.PositiveSmallIntegerField(verbose_name="every so many days")),
                ("assignee", models.CharField(max_length=150, verbose_name="who looks")),
                ("starts_on", models.DateField(verbose_name="from day")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("note", models.CharField(blank=True, max_length=300, verbose_name="note")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("every_days__gte", 1), ("every_days__lte", 366)), name="patrol_every_days"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PatrolItem",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="patrol.patrolplan",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PriceWar",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3)),
                ("sellers", models.JSONField()),
                ("cuts", models.JSONField()),
                ("start_minor", models.BigIntegerField()),
                ("low_minor", models.BigIntegerField()),
                ("rules_version", models.PositiveIntegerField()),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"
                    ),
                ),
            ],
            options={
                "db_table": "patrol_price_war",
            },
        ),
        migrations.CreateModel(
            name="ViolationCase",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("price", "Price"), ("diversion", "Diversion")], max_length=10, verbose_name="kind"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("evidence", "Evidence asked for"),
                            ("confirmed", "Confirmed"),
                            ("warning", "Warned"),
                            ("fine", "Fined"),
                            ("termination", "Cooperation ends"),
                            ("dismissed", "Dismissed"),
                            ("closed", "Closed"),
                        ],
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("party", models.CharField(max_length=200, verbose_name="party")),
                ("party_name", models.CharField(max_length=120, verbose_name="party")),
                ("finding", models.CharField(blank=True, max_length=16, verbose_name="finding")),
                (
                    "appeal",
                    models.CharField(
                        blank=True,
                        choices=[("", "None"), ("filed", "Filed"), ("granted", "Granted"), ("rejected", "Rejected")],
                        max_length=8,
                        verbose_name="appeal",
                    ),
                ),
                ("fine_minor", models.BigIntegerField(null=True)),
                ("currency", models.CharField(default="CNY", max_length=3)),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                ("opened_by", models.TextField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("sanctioned_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("closed_at", models.DateTimeField(null=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("is_simulated", models.BooleanField(default=False)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "dealer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="network.node",
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.shop",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.sku",
                    ),
                ),
            ],
            options={
                "db_table": "patrol_case",
            },
        ),
        migrations.CreateModel(
            name="PriceComplaint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("external_id", models.CharField(max_length=120, verbose_name="number")),
                ("order_number", models.CharField(blank=True, max_length=120, verbose_name="order")),
                ("text", models.TextField(verbose_name="complaint")),
                ("said_at", models.DateTimeField(verbose_name="said at")),
                ("currency", models.CharField(max_length=3)),
                ("paid_minor", models.BigIntegerField(null=True)),
                ("other_minor", models.BigIntegerField(null=True)),
                ("conflict", models.CharField(blank=True, max_length=16)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("recorded_by", models.TextField()),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "observation",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="patrol.observation",
                    ),
                ),
                (
                    "other_channel",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="channels.channel",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="complaints",
                        to="patrol.violationcase",
                    ),
                ),
            ],
            options={
                "db_table": "patrol_complaint",
            },
        ),
        migrations.CreateModel(
            name="Letter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=12)),
                ("language", models.CharField(max_length=2)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("fields", models.JSONField()),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "step",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="letter", to="patrol.casestep"
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="letters", to="patrol.violationcase"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("observation", "Price seen"),
                            ("diversion", "Diversion score"),
                            ("file", "File"),
                            ("statement", "Statement"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reference", models.CharField(blank=True, max_length=500)),
                ("hash", models.CharField(blank=True, max_length=64)),
                ("note", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                ("added_by", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "observation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="patrol.observation",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="patrol.violationcase",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="casestep",
            name="case",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="steps",
                to="patrol.violationcase",
            ),
        ),
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(fields=["-observed_at", "-id"], name="observation_recent"),
        ),
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(fields=["sku", "channel", "-observed_at"], name="observation_of_sku"),
        ),
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(
                condition=models.Q(("dealer__isnull", False)),
                fields=["dealer", "-observed_at"],
                name="observation_dealer",
            ),
        ),
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(
                condition=models.Q(("finding", ""), _negated=True),
                fields=["-observed_at", "-id"],
                name="observation_found",
            ),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("effective_minor__gte", 0),
                    ("listed_minor__gte", 0),
                    ("units__gt", 0),
                    ("effective_minor__lte", models.F("listed_minor")),
                ),
                name="observation_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seller_class", "own"), _negated=True), ("shop__isnull", False), _connector="OR"
                ),
                name="own_observation_names_its_shop",
            ),
        ),
        migrations.AddConstraint(
            model_name="observation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("seller_class", "competitor"), _negated=True), ("finding", ""), _connector="OR"
                ),
                name="competitor_breaks_no_rule",
            ),
        ),
        migrations.AddConstraint(
            model_name="patrolitem",
            constraint=models.UniqueConstraint(fields=("plan", "sku", "channel"), name="patrol_item_once"),
        ),
        migrations.AddIndex(
            model_name="pricewar",
            index=models.Index(fields=["-opened_at", "-id"], name="price_war_recent"),
        ),
        migrations.AddConstraint(
            model_name="pricewar",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)), fields=("sku",), name="one_open_price_war"
            ),
        ),
        migrations.AddIndex(
            model_name="violationcase",
            index=models.Index(
                condition=models.Q(("status__in", ["dismissed", "closed"]), _negated=True),
                fields=["due_at", "id"],
                name="violation_open",
            ),
        ),
        migrations.AddIndex(
            model_name="violationcase",
            index=models.Index(fields=["-opened_at", "-id"], name="violation_recent"),
        ),
        migrations.AddIndex(
            model_name="violationcase",
            index=models.Index(fields=["party", "confirmed_at"], name="violation_of_party"),
        ),
        migrations.AddIndex(
            model_name="violationcase",
            index=models.Index(
                condition=models.Q(("dealer__isnull", False)), fields=["dealer"], name="violation_of_dealer"
            ),
        ),
        migrations.AddConstraint(
            model_name="violationcase",
            constraint=models.CheckConstraint(
                condition=models.Q(("fine_minor__isnull", True), ("fine_minor__gt", 0), _connector="OR"),
                name="violation_fine_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="violationcase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", False), ("due_at__isnull", True), ("status__in", ["dismissed", "closed"])
                    ),
                    models.Q(
                        models.Q(("status__in", ["dismissed", "closed"]), _negated=True),
                        ("closed_at__isnull", True),
                        ("due_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="violation_is_due_until_its_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="violationcase",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["dismissed", "closed"]), _negated=True),
                fields=("kind", "party", "sku"),
                name="one_open_violation",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="pricecomplaint",
            index=models.Index(fields=["-said_at", "-id"], name="complaint_recent"),
        ),
        migrations.AddConstraint(
            model_name="pricecomplaint",
            constraint=models.UniqueConstraint(fields=("channel", "external_id"), name="complaint_once"),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                condition=models.Q(("observation__isnull", False)), fields=("case", "observation"), name="evidence_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                condition=models.Q(models.Q(("reference", ""), _negated=True), ("observation__isnull", True)),
                fields=("case", "kind", "reference"),
                name="evidence_reference_once",
            ),
        ),
        migrations.AddIndex(
            model_name="casestep",
            index=models.Index(fields=["case", "id"], name="step_of_violation"),
        ),
        migrations.RunSQL(APPEND_ONLY, UNGUARDED),
    ]
