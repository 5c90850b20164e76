"""States and clocks of a node's work, its steps, and pickup codes."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER steps_are_append_only BEFORE UPDATE OR DELETE ON fulfillment_fulfillmentevent
  FOR EACH ROW EXECUTE FUNCTION fulfillment_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0004_shipments"),
        ("network", "0003_facts"),
        ("orders", "0010_delivery"),
    ]

    operations = [
        migrations.CreateModel(
            name="FulfillmentEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("data", models.JSONField(db_default={})),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="PickupCode",
            fields=[
                (
                    "fulfillment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="pickup",
                        serialize=False,
                        to="fulfillment.fulfillment",
                    ),
                ),
                ("salt", models.BinaryField()),
                ("digest", models.BinaryField(unique=True)),
                ("hint", models.CharField(max_length=2)),
                ("issued_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("used_by", models.TextField(db_default="")),
            ],
        ),
        migrations.CreateModel(
            name="PickupGuess",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="accept_by",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="accepted_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="collect_by",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="collected_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="due_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="offered_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="packed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="picked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="ready_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="ready_by",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="reject_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("stock_missing", "Goods are not there"),
                    ("damaged", "Goods are damaged"),
                    ("no_capacity", "Too much to do"),
                    ("closed", "The place is closed"),
                    ("address", "The address cannot be served"),
                    ("timeout", "No answer in time"),
                    ("other", "Another reason"),
                ],
                db_default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="rejected_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="reminded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="fulfillment",
            name="worked_by",
            field=models.TextField(db_default=""),
        ),
        migrations.AlterField(
            model_name="fulfillment",
            name="status",
            field=models.CharField(
                choices=[
                    ("allocated", "Allocated"),
                    ("offered", "Offered"),
                    ("accepted", "Accepted"),
                    ("picking", "Being picked"),
                    ("packed", "Packed"),
                    ("ready", "Ready for pickup"),
                    ("on_hold", "On hold"),
                    ("dispatched", "Dispatched"),
                    ("delivered", "Delivered"),
                    ("cancelled", "Cancelled"),
                    ("rejected", "Rejected"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="fulfillment",
            index=models.Index(
                condition=models.Q(("status", "offered")), fields=["accept_by"], name="fulfillment_on_offer"
            ),
        ),
        migrations.AddIndex(
            model_name="fulfillment",
            index=models.Index(
                condition=models.Q(("status", "ready")), fields=["collect_by"], name="fulfillment_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfillment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "rejected"), _negated=True),
                    models.Q(("reject_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="rejected_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfillment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "offered"), _negated=True), ("accept_by__isnull", False), _connector="OR"
                ),
                name="offered_until",
            ),
        ),
        migrations.AddField(
            model_name="fulfillmentevent",
            name="fulfillment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="steps",
                to="fulfillment.fulfillment",
            ),
        ),
        migrations.AddField(
            model_name="fulfillmentevent",
            name="node",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="network.node"
            ),
        ),
        migrations.AddField(
            model_name="pickupguess",
            name="node",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="network.node",
            ),
        ),
        migrations.AddIndex(
            model_name="fulfillmentevent",
            index=models.Index(fields=["fulfillment", "id"], name="steps_of_fulfillment"),
        ),
        migrations.AddIndex(
            model_name="pickupguess",
            index=models.Index(fields=["actor", "at"], name="guess_of_actor"),
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER steps_are_append_only ON fulfillment_fulfillmentevent"),
    ]
