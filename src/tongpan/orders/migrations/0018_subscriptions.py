"""Subscriptions, their lines and runs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_fit_and_roles"),
        ("channels", "0001_initial"),
        ("customers", "0001_initial"),
        ("orders", "0017_scanbasket"),
    ]

    operations = [
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused"), ("cancelled", "Ended")],
                        default="active",
                        max_length=10,
                    ),
                ),
                ("unit", models.CharField(choices=[("week", "Weeks"), ("month", "Months")], max_length=5)),
                ("every", models.PositiveSmallIntegerField()),
                ("day", models.PositiveSmallIntegerField()),
                ("next_on", models.DateField()),
                ("contents_sealed", models.BinaryField()),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "customer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="subscriptions",
                        to="customers.customer",
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="channels.shop"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubscriptionLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("qty", models.PositiveIntegerField()),
                ("unit_minor", models.BigIntegerField()),
                (
                    "sku",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.subscription",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubscriptionRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("due_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Announced"),
                            ("short", "Goods are missing"),
                            ("unpaid", "Waits for payment"),
                            ("again", "Not paid in time"),
                            ("paid", "Paid"),
                            ("skipped", "Left out"),
                            ("failed", "Given up"),
                        ],
                        max_length=8,
                    ),
                ),
                ("orders_made", models.PositiveSmallIntegerField(default=0)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("reminded_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True, default="")),
                (
                    "order",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="subscription_runs",
                        to="orders.order",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="orders.subscription",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("state", "active")), fields=["next_on", "id"], name="subscription_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("every__gte", 1),
                    models.Q(
                        models.Q(("day__range", (1, 7)), ("unit", "week")),
                        models.Q(("day__range", (1, 31)), ("unit", "month")),
                        _connector="OR",
                    ),
                ),
                name="subscription_rhythm",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state", "cancelled")),
                    models.Q(models.Q(("state", "cancelled"), _negated=True), ("ended_at", None)),
                    _connector="OR",
                ),
                name="subscription_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionline",
            constraint=models.UniqueConstraint(fields=("subscription", "sku"), name="subscription_line_once"),
        ),
        migrations.AddConstraint(
            model_name="subscriptionline",
            constraint=models.CheckConstraint(
                condition=models.Q(("qty__gt", 0), ("unit_minor__gte", 0)), name="subscription_line_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="subscriptionrun",
            index=models.Index(
                condition=models.Q(("state__in", ["short", "again"])), fields=["next_try_at"], name="run_tried_again"
            ),
        ),
        migrations.AddIndex(
            model_name="subscriptionrun",
            index=models.Index(condition=models.Q(("state", "unpaid")), fields=["order"], name="run_unpaid"),
        ),
        migrations.AddConstraint(
            model_name="subscriptionrun",
            constraint=models.UniqueConstraint(fields=("subscription", "due_on"), name="subscription_run_once"),
        ),
        migrations.AddConstraint(
            model_name="subscriptionrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["unpaid", "paid"]), _negated=True), ("orders_made__gt", 0), _connector="OR"
                ),
                name="subscription_run_has_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["short", "again"]), _negated=True),
                    ("next_try_at__isnull", False),
                    _connector="OR",
                ),
                name="subscription_run_tried_again",
            ),
        ),
    ]
