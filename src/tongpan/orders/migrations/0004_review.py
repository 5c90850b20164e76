"""Rules of the review, its holds, notes, and the blind indexes that orders are found by."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("orders", "0003_documents"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewPolicy",
            fields=[
                ("version", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("rules", models.JSONField()),
                ("note", models.TextField(blank=True)),
                ("actor", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name="hold",
            name="data",
            field=models.JSONField(db_default={}),
        ),
        migrations.AddField(
            model_name="hold",
            name="opened_by",
            field=models.TextField(db_default=""),
        ),
        migrations.AddField(
            model_name="hold",
            name="release_note",
            field=models.TextField(db_default=""),
        ),
        migrations.AddField(
            model_name="order",
            name="revision",
            field=models.PositiveIntegerField(db_default=1),
        ),
        migrations.AlterField(
            model_name="hold",
            name="reason",
            field=models.CharField(
                choices=[
                    ("unpaid", "Unpaid"),
                    ("address", "Address"),
                    ("price_floor", "Price under its floor"),
                    ("risk", "Risk"),
                    ("quota", "Channel quota used up"),
                    ("out_of_stock", "Out of stock"),
                    ("unbooked", "Shipped goods were not in the book"),
                    ("no_node", "No node serves the shop"),
                    ("manual", "Manual"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="BlacklistEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("buyer", "Buyer"), ("phone", "Phone")], max_length=6)),
                ("digest", models.BinaryField()),
                ("hint", models.CharField(blank=True, max_length=80)),
                ("note", models.TextField(blank=True)),
                ("added_by", models.TextField()),
                ("added_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("removed_by", models.TextField(blank=True)),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=("kind", "digest"),
                        name="blacklisted_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderContact",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="contact",
                        serialize=False,
                        to="orders.order",
                    ),
                ),
                ("phone_index", models.BinaryField(default=b"")),
                ("recipient_index", models.BinaryField(default=b"")),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("phone_index", b""), _negated=True),
                        fields=["phone_index"],
                        name="order_by_phone",
                    ),
                    models.Index(
                        condition=models.Q(("recipient_index", b""), _negated=True),
                        fields=["recipient_index"],
                        name="order_by_recipient",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OrderNote",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.TextField()),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="notes", to="orders.order"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PriceFloor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("floor_minor", models.BigIntegerField()),
                (
                    "sku",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="price_floors", to="catalog.sku"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("sku", "currency"), name="price_floor_once"),
                    models.CheckConstraint(condition=models.Q(("floor_minor__gt", 0)), name="price_floor_positive"),
                ],
            },
        ),
        migrations.RunSQL(
            """CREATE TRIGGER order_notes_are_append_only BEFORE UPDATE OR DELETE ON orders_ordernote
                 FOR EACH ROW EXECUTE FUNCTION orders_refuse_change()""",
            "DROP TRIGGER order_notes_are_append_only ON orders_ordernote",
        ),
    ]
