"""Let the database refuse changes of published rulebooks."""

from django.db import migrations

IMMUTABLE = """
CREATE FUNCTION promotions_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rulebooks_are_append_only BEFORE UPDATE OR DELETE ON promotions_rulebookversion
  FOR EACH ROW EXECUTE FUNCTION promotions_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("promotions", "0001_initial")]

    operations = [
        migrations.RunSQL(
            IMMUTABLE,
            "DROP TRIGGER rulebooks_are_append_only ON promotions_rulebookversion; DROP FUNCTION promotions_refuse_change()",
        ),
    ]
