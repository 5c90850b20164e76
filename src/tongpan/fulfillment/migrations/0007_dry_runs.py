"""Policies tried on the orders of a past period."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
        ("fulfillment", "0006_routing_policies"),
        ("orders", "0011_preorders"),
    ]

    operations = [
        migrations.CreateModel(
            name="DryRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("policy", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField()),
                ("document", models.JSONField()),
                ("day_from", models.DateField(verbose_name="from")),
                ("day_to", models.DateField(verbose_name="to")),
                ("stock", models.CharField(max_length=12, verbose_name="stock")),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("result", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "channel",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.channel"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="DryRunChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("before_rule", models.CharField(max_length=40)),
                ("after_rule", models.CharField(max_length=40)),
                ("before_nodes", models.TextField()),
                ("after_nodes", models.TextField()),
                ("before_distance", models.BigIntegerField(null=True)),
                ("after_distance", models.BigIntegerField(null=True)),
                ("before_cost", models.BigIntegerField(null=True)),
                ("after_cost", models.BigIntegerField(null=True)),
                ("before_on_time", models.BooleanField(null=True)),
                ("after_on_time", models.BooleanField(null=True)),
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
                        related_name="changes",
                        to="fulfillment.dryrun",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="dryrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("day_to__gt", models.F("day_from"))), name="dry_run_has_days"
            ),
        ),
        migrations.AddConstraint(
            model_name="dryrunchange",
            constraint=models.UniqueConstraint(fields=("run", "order"), name="dry_run_changes_an_order_once"),
        ),
    ]
