"""Let levels and pools change on their own page: fewer indexes to write to, and room for the new version of a row."""

import django.db.models.deletion
from django.db import migrations, models

ROOM = """
ALTER TABLE inventory_level SET (fillfactor = 50);
ALTER TABLE inventory_pool SET (fillfactor = 50);
"""
NO_ROOM = """
ALTER TABLE inventory_level RESET (fillfactor);
ALTER TABLE inventory_pool RESET (fillfactor);
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_append_only")]

    operations = [
        # level_once begins with the SKU and level_of_node with the node.
        migrations.AlterField(
            model_name="level",
            name="sku",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="levels", to="catalog.sku"
            ),
        ),
        migrations.AlterField(
            model_name="level",
            name="node",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="levels", to="network.node"
            ),
        ),
        migrations.RunSQL(ROOM, NO_ROOM),
    ]
