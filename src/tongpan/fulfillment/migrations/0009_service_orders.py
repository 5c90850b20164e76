"""Service orders: installation and repair, with their steps."""

import django.db.models.deletion
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER service_steps_are_append_only BEFORE UPDATE OR DELETE ON fulfillment_serviceorderevent
  FOR EACH ROW EXECUTE FUNCTION fulfillment_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0008_appointments"),
        ("network", "0004_dealers"),
        ("orders", "0014_refunds_outside"),
    ]

    operations = [
        migrations.CreateModel(
            name="ServiceOrder",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(choices=[("installation", "Installation"), ("repair", "Repair")], max_length=12),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "To assign"),
                            ("assigned", "Assigned"),
                            ("accepted", "Accepted"),
                            ("rejected", "Rejected"),
                            ("scheduled", "Scheduled"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=12,
                    ),
                ),
                ("goods", models.CharField(max_length=200)),
                ("note", models.CharField(blank=True, db_default="", max_length=300)),
                ("province", models.CharField(blank=True, max_length=60)),
                ("city", models.CharField(blank=True, max_length=60)),
                ("contact_sealed", models.BinaryField()),
                ("due_at", models.DateTimeField()),
                ("starts_at", models.DateTimeField(null=True)),
                ("ends_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, db_default="", max_length=300)),
                ("requested_by", models.TextField()),
                ("requested_at", models.DateTimeField()),
                ("worked_by", models.TextField(db_default="")),
                ("ended_at", models.DateTimeField(null=True)),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="service_orders",
                        to="orders.order",
                    ),
                ),
                (
                    "order_line",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orders.orderline",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ServiceOrderEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=12)),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("note", models.CharField(blank=True, max_length=300)),
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
                    "service_order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="fulfillment.serviceorder",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="serviceorder",
            index=models.Index(fields=["node", "status", "due_at"], name="services_of_node"),
        ),
        migrations.AddConstraint(
            model_name="serviceorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["requested", "cancelled"]), ("node__isnull", False), _connector="OR"
                ),
                name="service_has_a_node",
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "scheduled"), _negated=True), ("starts_at__isnull", False), _connector="OR"
                ),
                name="service_scheduled_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceorder",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["done", "cancelled"]), _negated=True),
                fields=("order_line", "kind"),
                name="service_of_a_line_once_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="serviceorderevent",
            index=models.Index(fields=["service_order", "id"], name="steps_of_service"),
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER service_steps_are_append_only ON fulfillment_serviceorderevent"),
    ]
