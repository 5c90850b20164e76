"""Notes that are found by what they say."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_carts"),
    ]

    operations = [
        migrations.AddField(
            model_name="ordernote",
            name="grams",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), db_default=[], size=None),
        ),
        migrations.AddIndex(
            model_name="ordernote",
            index=django.contrib.postgres.indexes.GinIndex(fields=["grams"], name="order_note_grams"),
        ),
    ]
