"""Make the vault's keys and their check value; refuse changes of the audit trail."""

from django.db import migrations

from tongpan.access import vault


def make_keys(apps: object, schema_editor: object) -> None:
    vault.forget()
    vault.keyring()


APPEND_ONLY = """
CREATE FUNCTION access_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit trail is append-only.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON access_auditentry
  FOR EACH ROW EXECUTE FUNCTION access_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial"), ("core", "0001_event_log")]

    operations = [
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER audit_is_append_only ON access_auditentry; DROP FUNCTION access_refuse_change()",
        ),
        migrations.RunPython(make_keys, migrations.RunPython.noop),
    ]
