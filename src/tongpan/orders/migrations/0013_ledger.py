"""The ledger of shops' accounts on their platforms, which the database lets nobody change."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER ledger_entries_are_append_only BEFORE UPDATE OR DELETE ON orders_ledgerentry
  FOR EACH ROW EXECUTE FUNCTION orders_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
        ("orders", "0012_aftersale"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.CharField(max_length=120, verbose_name="flow number")),
                ("digest", models.BinaryField()),
                ("occurred_at", models.DateTimeField()),
                ("currency", models.CharField(max_length=3)),
                ("amount_minor", models.BigIntegerField()),
                ("balance_minor", models.BigIntegerField(null=True)),
                ("scene", models.CharField(blank=True, max_length=120)),
                ("kind", models.CharField(blank=True, max_length=120)),
                ("account", models.CharField(blank=True, max_length=120)),
                ("order_number", models.CharField(blank=True, max_length=120)),
                ("line_key", models.CharField(blank=True, max_length=80)),
                ("after_sale_number", models.CharField(blank=True, max_length=120)),
                ("note", models.CharField(blank=True, max_length=1000)),
                ("parts", models.JSONField(default=dict)),
                ("more", models.JSONField(default=dict)),
                ("import_id", models.BigIntegerField(null=True)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "shop",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="channels.shop"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shop", "order_number"], name="ledger_of_order")],
                "constraints": [models.UniqueConstraint(fields=("shop", "number"), name="ledger_entry_once")],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER ledger_entries_are_append_only ON orders_ledgerentry"),
    ]
