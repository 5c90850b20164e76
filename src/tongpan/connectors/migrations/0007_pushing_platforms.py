"""Let Youzan and WeChat shops push."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0006_exchange"),
    ]

    operations = [
        migrations.AlterField(
            model_name="inboundsource",
            name="kind",
            field=models.CharField(
                choices=[
                    ("standard", "Standard Webhooks"),
                    ("woocommerce", "WooCommerce"),
                    ("shopify", "Shopify"),
                    ("youzan", "Youzan"),
                    ("wechat", "WeChat shop"),
                ],
                max_length=12,
                verbose_name="kind",
            ),
        ),
    ]
