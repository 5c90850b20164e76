"""Let the database refuse changes of routing decisions."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION fulfillment_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER decisions_are_append_only BEFORE UPDATE OR DELETE ON fulfillment_routingdecision
  FOR EACH ROW EXECUTE FUNCTION fulfillment_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0001_initial")]

    operations = [
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER decisions_are_append_only ON fulfillment_routingdecision; DROP FUNCTION fulfillment_refuse_change()",
        ),
    ]
