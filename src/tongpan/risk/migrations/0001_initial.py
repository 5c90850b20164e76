"""The register of serials and batches, and the scores of diversion; none of it is ever changed."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION risk_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER risk_code_is_append_only BEFORE UPDATE OR DELETE ON risk_code
  FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER risk_sighting_is_append_only BEFORE UPDATE OR DELETE ON risk_sighting
  FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER risk_rules_is_append_only BEFORE UPDATE OR DELETE ON risk_rules
  FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER risk_run_is_append_only BEFORE UPDATE OR DELETE ON risk_run
  FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
CREATE TRIGGER risk_score_is_append_only BEFORE UPDATE OR DELETE ON risk_score
  FOR EACH ROW EXECUTE FUNCTION risk_refuse_change();
"""
UNGUARDED = """
DROP TRIGGER risk_code_is_append_only ON risk_code;
DROP TRIGGER risk_sighting_is_append_only ON risk_sighting;
DROP TRIGGER risk_rules_is_append_only ON risk_rules;
DROP TRIGGER risk_run_is_append_only ON risk_run;
DROP TRIGGER risk_score_is_append_only ON risk_score;
DROP FUNCTION risk_refuse_change();
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
            name="DiversionRules",
            fields=[
                ("version", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("rules", models.JSONField()),
                ("note", models.TextField(blank=True)),
                ("actor", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "risk_rules",
            },
        ),
        migrations.CreateModel(
            name="DiversionRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("window_from", models.DateTimeField()),
                ("window_to", models.DateTimeField()),
                ("rules", models.JSONField()),
                ("rules_version", models.PositiveIntegerField()),
                ("subjects", models.PositiveIntegerField()),
                ("started_by", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "risk_run",
            },
        ),
        migrations.CreateModel(
            name="CodeSighting",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("serial", "Serial number"), ("batch", "Batch")], max_length=6, verbose_name="kind"
                    ),
                ),
                ("code", models.CharField(max_length=80, verbose_name="code")),
                (
                    "what",
                    models.CharField(
                        choices=[("scan", "Scan"), ("return", "Return"), ("warranty", "Warranty registration")],
                        max_length=8,
                        verbose_name="seen as",
                    ),
                ),
                ("province", models.CharField(max_length=60, verbose_name="province")),
                ("city", models.CharField(blank=True, max_length=60, verbose_name="city")),
                ("seen_at", models.DateTimeField(verbose_name="seen")),
                ("source", models.CharField(blank=True, max_length=80, verbose_name="source")),
                ("recorded_by", models.TextField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "risk_sighting",
                "indexes": [models.Index(fields=["-seen_at", "-id"], name="sighting_recent")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "code", "what", "seen_at"), name="sighting_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="DiversionScore",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("score", models.PositiveSmallIntegerField(verbose_name="score")),
                (
                    "level",
                    models.CharField(
                        choices=[("none", "Nothing striking"), ("watch", "To be watched"), ("case", "A case")],
                        max_length=5,
                        verbose_name="level",
                    ),
                ),
                ("signals", models.JSONField()),
                ("inputs", models.JSONField()),
                ("digest", models.BinaryField()),
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
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scores",
                        to="risk.diversionrun",
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
            ],
            options={
                "db_table": "risk_score",
                "indexes": [models.Index(fields=["run", "-score", "id"], name="score_of_run")],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "dealer", "shop"), name="score_once", nulls_distinct=False),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("dealer__isnull", False), ("shop__isnull", True)),
                            models.Q(("dealer__isnull", True), ("shop__isnull", False)),
                            _connector="OR",
                        ),
                        name="score_of_a_dealer_or_a_shop",
                    ),
                    models.CheckConstraint(condition=models.Q(("score__lte", 100)), name="score_at_most_100"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GoodsCode",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("serial", "Serial number"), ("batch", "Batch")], max_length=6, verbose_name="kind"
                    ),
                ),
                ("code", models.CharField(max_length=80, verbose_name="code")),
                ("qty", models.PositiveIntegerField(verbose_name="units")),
                ("shipped_at", models.DateTimeField(verbose_name="shipped")),
                ("reference", models.CharField(blank=True, max_length=120, verbose_name="document")),
                ("recorded_by", models.TextField()),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "dealer",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="network.node"
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"
                    ),
                ),
            ],
            options={
                "db_table": "risk_code",
                "indexes": [models.Index(fields=["dealer", "-shipped_at"], name="code_of_dealer")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "code", "dealer", "shipped_at"), name="code_shipped_once"),
                    models.CheckConstraint(condition=models.Q(("qty__gt", 0)), name="code_units_positive"),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("kind", "serial"), _negated=True), ("qty", 1), _connector="OR"),
                        name="a_serial_is_one_unit",
                    ),
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, UNGUARDED),
    ]
