"""Parts and merges of orders, and what people changed in them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_kit_parts"),
        ("channels", "0001_initial"),
        ("customers", "0001_initial"),
        ("orders", "0005_order_unknown"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChannelLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=6)),
                ("code", models.CharField(max_length=120)),
                ("qty", models.IntegerField()),
                ("amount_minor", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("numbers", models.JSONField()),
                ("actor", models.TextField()),
                ("made_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("undone_by", models.TextField(db_default="")),
                ("undone_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="orderline",
            name="goods_have_a_sku",
        ),
        migrations.AddField(
            model_name="order",
            name="local_fields",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], size=None),
        ),
        migrations.AddField(
            model_name="orderline",
            name="part",
            field=models.PositiveSmallIntegerField(db_default=1),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "goods"), ("qty__gte", 0), ("sku__isnull", False)),
                    models.Q(("kind", "charge"), ("sku__isnull", True)),
                    _connector="OR",
                ),
                name="goods_have_a_sku",
            ),
        ),
        migrations.AddField(
            model_name="channelline",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="channel_lines", to="orders.order"
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="merge",
            field=models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="orders.merge"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=models.Q(("merge__isnull", False)), fields=["merge"], name="order_of_merge"),
        ),
    ]
