"""Price lists, entries, floors, costs, bands, change requests and the log."""

import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("catalog", "0006_fit_and_roles"),
        ("channels", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangeRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Waits for approval"),
                            ("done", "Done"),
                            ("refused", "Refused by the rules"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("source", models.CharField(max_length=20, verbose_name="source")),
                ("why", models.TextField(blank=True, verbose_name="reason")),
                ("requested_by", models.TextField(verbose_name="requested by")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("decided_by", models.TextField(blank=True, verbose_name="decided by")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("decision_note", models.TextField(blank=True, verbose_name="note")),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["state", "-id"], name="price_requests")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_at__isnull", True),
                            ("state", "withdrawn"),
                            models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="decided_by_another",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChangeRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("min_qty", models.PositiveIntegerField(default=1)),
                ("amount_minor", models.BigIntegerField(null=True)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(null=True)),
                ("before_minor", models.BigIntegerField(null=True)),
                ("guide_minor", models.BigIntegerField(null=True)),
                ("low_minor", models.BigIntegerField(null=True)),
                ("high_minor", models.BigIntegerField(null=True)),
                ("floor_minor", models.BigIntegerField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("applied", "Applied"),
                            ("pending", "Waits for approval"),
                            ("refused", "Refused by the rules"),
                            ("rejected", "Rejected"),
                            ("unchanged", "Unchanged"),
                        ],
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("findings", models.JSONField(default=list)),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="pricing.changerequest",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ChannelBand",
            fields=[
                (
                    "channel",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="price_band",
                        serialize=False,
                        to="channels.channel",
                    ),
                ),
                (
                    "lower_pct",
                    models.DecimalField(
                        decimal_places=2, max_digits=5, null=True, verbose_name="below the guide price, %"
                    ),
                ),
                (
                    "upper_pct",
                    models.DecimalField(
                        decimal_places=2, max_digits=6, null=True, verbose_name="above the guide price, %"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        blank=True,
                        choices=[("band", "Band"), ("identical", "Identical")],
                        max_length=10,
                        verbose_name="mode",
                    ),
                ),
                ("follows", models.BooleanField(default=False, verbose_name="listings follow the price book")),
                ("changed_by", models.TextField()),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "db_table": "pricing_channel_band",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lower_pct__isnull", True),
                            models.Q(("lower_pct__gte", 0), ("lower_pct__lt", 100)),
                            _connector="OR",
                        ),
                        name="band_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("upper_pct__isnull", True), ("upper_pct__gte", 0), _connector="OR"),
                        name="band_upper",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, unique=True, verbose_name="code")),
                ("name_zh", models.CharField(max_length=80, verbose_name="Chinese name")),
                ("name_en", models.CharField(max_length=80, verbose_name="English name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("guide", "Guide price"),
                            ("channel", "Channel price"),
                            ("tier", "Tier price"),
                            ("region", "Region price"),
                            ("quantity", "Quantity price"),
                            ("live", "Live-exclusive price"),
                            ("community", "Community price"),
                            ("member", "Member price"),
                            ("seasonal", "Seasonal price"),
                            ("dynamic", "Dynamic price"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("tier", models.CharField(blank=True, max_length=40, verbose_name="tier")),
                ("region", models.CharField(blank=True, max_length=60, verbose_name="region")),
                ("currency", models.CharField(default="CNY", max_length=3, verbose_name="currency")),
                ("priority", models.PositiveSmallIntegerField(verbose_name="priority")),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField(verbose_name="valid")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("note", models.TextField(blank=True, verbose_name="note")),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_lists",
                        to="channels.channel",
                    ),
                ),
            ],
            options={
                "ordering": ["-priority", "code"],
            },
        ),
        migrations.CreateModel(
            name="PriceEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("min_qty", models.PositiveIntegerField(default=1, verbose_name="from units")),
                ("amount_minor", models.BigIntegerField(verbose_name="price")),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField(verbose_name="valid")),
                ("created_at", models.DateTimeField()),
                (
                    "row",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="pricing.changerow",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="price_entries",
                        to="catalog.sku",
                    ),
                ),
                (
                    "price_list",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="pricing.pricelist",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="changerow",
            name="price_list",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pricing.pricelist"
            ),
        ),
        migrations.CreateModel(
            name="PriceLog",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
                ("what", models.CharField(max_length=10, verbose_name="what")),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("actor", models.TextField(verbose_name="who")),
                ("approved_by", models.TextField(blank=True, verbose_name="approved by")),
                ("why", models.TextField(blank=True, verbose_name="reason")),
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
                    "price_list",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.pricelist",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="pricing.changerequest",
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
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="SkuCost",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("amount_minor", models.BigIntegerField(verbose_name="cost")),
                ("valid", django.contrib.postgres.fields.ranges.DateTimeRangeField(verbose_name="valid")),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "sku",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="costs", to="catalog.sku"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PersonalPrice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
                ("subject", models.CharField(max_length=100)),
                ("public_minor", models.BigIntegerField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("source", models.CharField(max_length=100)),
                ("inputs", models.JSONField(default=dict)),
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
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["subject", "-id"], name="personal_of_subject")],
            },
        ),
        migrations.CreateModel(
            name="PriceFloor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "region",
                    models.CharField(blank=True, db_default="", default="", max_length=60, verbose_name="region"),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("floor_minor", models.BigIntegerField(verbose_name="floor")),
                ("min_net_minor", models.BigIntegerField(null=True, verbose_name="least net price")),
                (
                    "sku",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="price_floors", to="catalog.sku"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("sku", "region", "currency"), name="floor_once"),
                    models.CheckConstraint(condition=models.Q(("floor_minor__gt", 0)), name="floor_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("min_net_minor__isnull", True),
                            models.Q(("min_net_minor__gt", 0), ("min_net_minor__lte", models.F("floor_minor"))),
                            _connector="OR",
                        ),
                        name="net_under_floor",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "guide")), fields=("currency",), name="one_guide_per_currency"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "channel"), _negated=True), ("channel__isnull", False), _connector="OR"
                ),
                name="channel_list_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "tier"), _negated=True), models.Q(("tier", ""), _negated=True), _connector="OR"
                ),
                name="tier_list_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "region"), _negated=True),
                    models.Q(("region", ""), _negated=True),
                    _connector="OR",
                ),
                name="region_list_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "guide"), _negated=True),
                    models.Q(("channel__isnull", True), ("tier", ""), ("region", "")),
                    _connector="OR",
                ),
                name="guide_list_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricelist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["live", "community", "seasonal"]), _negated=True),
                    ("valid__upper_inf", False),
                    _connector="OR",
                ),
                name="list_of_a_period",
            ),
        ),
        migrations.AddIndex(
            model_name="priceentry",
            index=models.Index(models.F("sku"), models.F("price_list"), name="price_of_sku"),
        ),
        migrations.AddConstraint(
            model_name="priceentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0), ("amount_minor__lte", 100000000000000)),
                name="price_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="priceentry",
            constraint=models.CheckConstraint(condition=models.Q(("min_qty__gt", 0)), name="price_from_one_unit"),
        ),
        migrations.AddConstraint(
            model_name="changerow",
            constraint=models.UniqueConstraint(fields=("request", "number"), name="change_row_once"),
        ),
        migrations.AddIndex(
            model_name="pricelog",
            index=models.Index(fields=["sku", "-id"], name="price_log_of_sku"),
        ),
        migrations.AddConstraint(
            model_name="skucost",
            constraint=models.CheckConstraint(condition=models.Q(("amount_minor__gte", 0)), name="cost_not_negative"),
        ),
    ]
