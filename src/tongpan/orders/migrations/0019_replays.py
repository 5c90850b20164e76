import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0018_subscriptions"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReplayRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("rulebook", models.CharField(max_length=40, verbose_name="rulebook")),
                ("document", models.JSONField()),
                ("day_from", models.DateField(verbose_name="from")),
                ("day_to", models.DateField(verbose_name="to")),
                ("prices", models.CharField(max_length=10)),
                ("coupons", models.CharField(max_length=10)),
                ("channel", models.CharField(blank=True, max_length=40)),
                ("tiers", models.JSONField(default=dict)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("result", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("is_stopped", models.BooleanField(default=False)),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField(verbose_name="asked for")),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("day_to__gt", models.F("day_from"))), name="replay_has_days"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReplayOrder",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("channel", models.CharField(max_length=40)),
                ("tier", models.CharField(blank=True, max_length=40)),
                ("is_changed", models.BooleanField()),
                ("before_minor", models.BigIntegerField()),
                ("after_minor", models.BigIntegerField()),
                ("off_before", models.BigIntegerField()),
                ("off_after", models.BigIntegerField()),
                ("margin_before", models.BigIntegerField()),
                ("margin_after", models.BigIntegerField()),
                ("breaks_before", models.PositiveIntegerField()),
                ("breaks_after", models.PositiveIntegerField()),
                ("rules", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("payers", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ("lines", models.JSONField()),
                ("gifts", models.JSONField()),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orders.order"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="orders",
                        to="orders.replayrun",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("run", "order"), name="replay_order_once_a_run")],
            },
        ),
    ]
