"""What the check before launch keeps; notices of the stack matrix are never changed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0002_immutable"),
    ]

    operations = [
        migrations.CreateModel(
            name="StackNotice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("draft", models.CharField(max_length=40, verbose_name="draft")),
                ("matrix", models.JSONField()),
                ("text_zh", models.TextField()),
                ("text_en", models.TextField()),
                ("published_by", models.TextField(verbose_name="published by")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Acceptance",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("draft", models.CharField(max_length=40, verbose_name="draft")),
                ("key", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("accepted_by", models.TextField(verbose_name="accepted by")),
                ("accepted_at", models.DateTimeField(verbose_name="accepted at")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("draft", "key"), name="finding_accepted_once"),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="acceptance_has_a_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Check",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("draft", models.CharField(max_length=40, verbose_name="draft")),
                ("campaign", models.CharField(blank=True, max_length=40, verbose_name="campaign")),
                ("document_hash", models.CharField(max_length=32)),
                ("checked_by", models.TextField(verbose_name="checked by")),
                ("checked_at", models.DateTimeField(verbose_name="checked at")),
                ("took_ms", models.PositiveIntegerField()),
                ("sku_count", models.PositiveIntegerField()),
                ("channel_count", models.PositiveIntegerField()),
                ("carts", models.PositiveIntegerField()),
                ("pairs", models.PositiveIntegerField()),
                ("proven", models.PositiveIntegerField()),
                ("coverage", models.JSONField()),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["draft", "-id"], name="check_of_draft")],
            },
        ),
        migrations.CreateModel(
            name="CheckFinding",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=16, verbose_name="kind")),
                ("key", models.CharField(max_length=32)),
                ("content", models.JSONField()),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="findings",
                        to="promotions.check",
                    ),
                ),
            ],
            options={
                "ordering": ["run", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("run", "position"), name="check_finding_once"),
                    models.UniqueConstraint(fields=("run", "key"), name="check_finding_key_once"),
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER stack_notices_are_append_only BEFORE UPDATE OR DELETE ON promotions_stacknotice "
            "FOR EACH ROW EXECUTE FUNCTION promotions_refuse_change()",
            "DROP TRIGGER stack_notices_are_append_only ON promotions_stacknotice",
        ),
    ]
