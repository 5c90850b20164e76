"""Carts of own channels."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_core_goods"),
        ("channels", "0001_initial"),
        ("customers", "0001_initial"),
        ("orders", "0006_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Cart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("token", models.CharField(max_length=32, unique=True)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField(verbose_name="changed")),
                (
                    "customer",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="customers.customer"),
                ),
                (
                    "order",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="cart", to="orders.order"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="channels.shop"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CartLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("qty", models.PositiveIntegerField()),
                ("unit_minor", models.BigIntegerField()),
                (
                    "cart",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="orders.cart",
                    ),
                ),
                ("sku", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="catalog.sku")),
            ],
        ),
        migrations.AddIndex(
            model_name="cart",
            index=models.Index(fields=["-changed_at", "-id"], name="cart_recent"),
        ),
        migrations.AddIndex(
            model_name="cart",
            index=models.Index(
                condition=models.Q(("order__isnull", True)), fields=["changed_at", "id"], name="cart_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="cartline",
            constraint=models.UniqueConstraint(fields=("cart", "sku"), name="cart_line_once"),
        ),
        migrations.AddConstraint(
            model_name="cartline",
            constraint=models.CheckConstraint(
                condition=models.Q(("qty__gt", 0), ("unit_minor__gte", 0)), name="cart_line_positive"
            ),
        ),
    ]
