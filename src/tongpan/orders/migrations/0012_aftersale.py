"""After-sale: policy, cases, refunds, and the counters that let the database refuse what must not happen."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_sku_regions"),
        ("channels", "0001_initial"),
        ("customers", "0001_initial"),
        ("network", "0003_facts"),
        ("orders", "0011_preorders"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReturnPolicy",
            fields=[
                ("version", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("rules", models.JSONField()),
                ("note", models.TextField(blank=True)),
                ("actor", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("paid", "Paid back"),
                            ("failed", "Failed"),
                        ],
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("goods_minor", models.BigIntegerField()),
                ("charges_minor", models.BigIntegerField(default=0)),
                ("withheld_minor", models.BigIntegerField(default=0)),
                ("deducted_minor", models.BigIntegerField(default=0)),
                ("cut_minor", models.BigIntegerField(default=0)),
                ("total_minor", models.BigIntegerField(verbose_name="total")),
                ("proposed_at", models.DateTimeField()),
                ("proposed_by", models.TextField()),
                ("approved_at", models.DateTimeField(null=True)),
                ("approved_by", models.TextField(blank=True)),
                ("paid_at", models.DateTimeField(null=True)),
                ("reference", models.CharField(blank=True, max_length=120)),
                ("failure", models.TextField(blank=True)),
                ("is_simulated", models.BooleanField(default=False)),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="orders.order",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefundLimit",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="refund_limit",
                        serialize=False,
                        to="orders.order",
                    ),
                ),
                ("paid_minor", models.BigIntegerField()),
                ("refunded_minor", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("refunded_minor__gte", 0), ("refunded_minor__lte", models.F("paid_minor"))),
                        name="never_refunded_twice",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("qty", models.PositiveIntegerField()),
                ("buyer_minor", models.BigIntegerField()),
                (
                    "order_line",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="orders.orderline"
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.refund",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefundShare",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("payer", models.CharField(max_length=12)),
                ("code", models.CharField(blank=True, max_length=80)),
                ("amount_minor", models.BigIntegerField()),
                (
                    "line",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shares",
                        to="orders.refundline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefundTender",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("seq", models.PositiveIntegerField()),
                ("method", models.CharField(blank=True, max_length=40)),
                ("kind", models.CharField(max_length=12)),
                ("action", models.CharField(max_length=10)),
                ("amount_minor", models.BigIntegerField()),
                (
                    "refund",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tenders",
                        to="orders.refund",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReturnCase",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("return", "Return"),
                            ("refund_only", "Refund only"),
                            ("exchange", "Exchange"),
                            ("claim", "Sent again"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                            ("in_transit", "On its way back"),
                            ("received", "Goods received"),
                            ("inspected", "Inspected"),
                            ("closed", "Closed"),
                        ],
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                (
                    "way",
                    models.CharField(
                        choices=[
                            ("store", "Handed in at a store"),
                            ("mail", "Sent by the buyer"),
                            ("pickup", "Picked up at the door"),
                            ("none", "No goods come back"),
                        ],
                        max_length=8,
                        verbose_name="way back",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("units", models.PositiveIntegerField(verbose_name="units")),
                ("quoted_minor", models.BigIntegerField(verbose_name="refund quoted")),
                ("credit_minor", models.BigIntegerField(null=True)),
                ("paid_with", models.CharField(blank=True, max_length=40)),
                ("policy_version", models.PositiveIntegerField()),
                ("answer", models.JSONField()),
                ("note", models.TextField(blank=True, verbose_name="note")),
                ("source", models.CharField(max_length=20)),
                ("slot_start", models.DateTimeField(null=True)),
                ("slot_end", models.DateTimeField(null=True)),
                ("carrier", models.CharField(blank=True, max_length=40, verbose_name="carrier")),
                ("tracking_number", models.CharField(blank=True, max_length=80, verbose_name="tracking number")),
                ("owner", models.CharField(blank=True, max_length=150, verbose_name="owner")),
                ("due_at", models.DateTimeField(null=True, verbose_name="due")),
                ("requested_at", models.DateTimeField(verbose_name="requested")),
                ("decided_at", models.DateTimeField(null=True)),
                ("scanned_at", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField(null=True)),
                ("inspected_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("channel_number", models.CharField(blank=True, max_length=120)),
                ("is_instant", models.BooleanField(default=False)),
                ("is_simulated", models.BooleanField(default=False)),
                (
                    "channel",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="channels.channel"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="customers.customer"
                    ),
                ),
                (
                    "new_order",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="made_by",
                        to="orders.order",
                    ),
                ),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="network.node",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cases",
                        to="orders.order",
                    ),
                ),
                (
                    "return_doc",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="case", to="orders.return"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="channels.shop"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="refund",
            name="case",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="orders.returncase",
            ),
        ),
        migrations.CreateModel(
            name="CaseEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("data", models.JSONField(default=dict)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="network.node",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="orders.returncase",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReturnCaseLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("line_no", models.PositiveIntegerField()),
                ("qty", models.PositiveIntegerField()),
                ("reason", models.CharField(max_length=40)),
                ("is_quality", models.BooleanField()),
                ("is_opened", models.BooleanField(default=False)),
                ("wanted_minor", models.BigIntegerField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.returncase",
                    ),
                ),
                (
                    "order_line",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="orders.orderline"
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.sku"
                    ),
                ),
                (
                    "wanted_sku",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="catalog.sku",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReturnInspection",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "disposition",
                    models.CharField(
                        choices=[
                            ("saleable", "On sale again"),
                            ("damaged", "Damaged goods"),
                            ("inspection", "Kept for a closer look"),
                            ("scrap", "Scrapped"),
                            ("back", "Back to the buyer"),
                        ],
                        max_length=12,
                    ),
                ),
                ("qty", models.PositiveIntegerField()),
                ("note", models.TextField(blank=True)),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "case_line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inspections",
                        to="orders.returncaseline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UnitsTaken",
            fields=[
                (
                    "order_line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="taken",
                        serialize=False,
                        to="orders.orderline",
                    ),
                ),
                ("qty", models.PositiveIntegerField()),
                ("taken", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("taken__lte", models.F("qty"))), name="no_unit_comes_back_twice"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="refundline",
            index=models.Index(fields=["order_line"], name="refund_line_of_order_line"),
        ),
        migrations.AddConstraint(
            model_name="refundline",
            constraint=models.UniqueConstraint(fields=("refund", "order_line"), name="refund_line_once"),
        ),
        migrations.AddConstraint(
            model_name="refundline",
            constraint=models.CheckConstraint(
                condition=models.Q(("buyer_minor__gte", 0)), name="refund_line_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundshare",
            constraint=models.UniqueConstraint(fields=("line", "payer", "code"), name="refund_share_once"),
        ),
        migrations.AddConstraint(
            model_name="refundshare",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="refund_share_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtender",
            constraint=models.UniqueConstraint(fields=("refund", "seq", "action"), name="refund_tender_once"),
        ),
        migrations.AddConstraint(
            model_name="refundtender",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="refund_tender_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="returncase",
            index=models.Index(fields=["order", "id"], name="case_of_order"),
        ),
        migrations.AddIndex(
            model_name="returncase",
            index=models.Index(fields=["customer", "-requested_at"], name="case_of_customer"),
        ),
        migrations.AddIndex(
            model_name="returncase",
            index=models.Index(
                condition=models.Q(("status__in", ["closed", "refused", "withdrawn"]), _negated=True),
                fields=["due_at", "id"],
                name="case_open",
            ),
        ),
        migrations.AddIndex(
            model_name="returncase",
            index=models.Index(fields=["-requested_at", "-id"], name="case_recent"),
        ),
        migrations.AddIndex(
            model_name="returncase",
            index=models.Index(
                condition=models.Q(("tracking_number", ""), _negated=True),
                fields=["tracking_number"],
                name="case_tracking",
            ),
        ),
        migrations.AddConstraint(
            model_name="returncase",
            constraint=models.UniqueConstraint(
                condition=models.Q(("channel_number", ""), _negated=True),
                fields=("shop", "channel_number"),
                name="case_of_channel_return_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="returncase",
            constraint=models.CheckConstraint(
                condition=models.Q(("quoted_minor__gte", 0)), name="case_quote_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["order", "id"], name="refund_of_order"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(
                condition=models.Q(("status__in", ["proposed", "approved"])), fields=["proposed_at"], name="refund_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "total_minor",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("goods_minor"), "+", models.F("charges_minor")
                                    ),
                                    "-",
                                    models.F("withheld_minor"),
                                ),
                                "-",
                                models.F("deducted_minor"),
                            ),
                            "-",
                            models.F("cut_minor"),
                        ),
                    )
                ),
                name="refund_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(condition=models.Q(("total_minor__gte", 0)), name="refund_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "failed"), _negated=True), fields=("case",), name="refund_of_case_once"
            ),
        ),
        migrations.AddIndex(
            model_name="caseevent",
            index=models.Index(fields=["case", "id"], name="case_event_of_case"),
        ),
        migrations.AddIndex(
            model_name="returncaseline",
            index=models.Index(fields=["order_line"], name="case_line_of_order_line"),
        ),
        migrations.AddConstraint(
            model_name="returncaseline",
            constraint=models.UniqueConstraint(fields=("case", "order_line"), name="case_line_once"),
        ),
        migrations.AddConstraint(
            model_name="returncaseline",
            constraint=models.CheckConstraint(condition=models.Q(("qty__gt", 0)), name="case_line_positive"),
        ),
        migrations.AddConstraint(
            model_name="returninspection",
            constraint=models.CheckConstraint(condition=models.Q(("qty__gt", 0)), name="inspection_positive"),
        ),
        migrations.RunSQL(
            """CREATE TRIGGER case_events_are_append_only BEFORE UPDATE OR DELETE ON orders_caseevent
                 FOR EACH ROW EXECUTE FUNCTION orders_refuse_change();
               CREATE TRIGGER inspections_are_append_only BEFORE UPDATE OR DELETE ON orders_returninspection
                 FOR EACH ROW EXECUTE FUNCTION orders_refuse_change();""",
            """DROP TRIGGER case_events_are_append_only ON orders_caseevent;
               DROP TRIGGER inspections_are_append_only ON orders_returninspection;""",
        ),
    ]
