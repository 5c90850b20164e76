from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("promotions", "0005_priced_orders"),
    ]

    operations = [
        migrations.AddField(
            model_name="pricedorder",
            name="said",
            field=models.JSONField(db_default={}),
        ),
    ]
