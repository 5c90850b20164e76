from django.db import migrations, models

EVENT_LOG = """
CREATE TABLE core_event (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL CHECK (name <> ''),
    key text NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (recorded_at, id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX core_event_order ON core_event (tx, id);
CREATE INDEX core_event_key ON core_event (name, key);
-- Catches what no monthly partition covers, so that an append never fails for want of one.
CREATE TABLE core_event_default PARTITION OF core_event DEFAULT;

CREATE FUNCTION core_event_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day date := date_trunc('month', month);
    partition text := 'core_event_' || to_char(first_day, 'YYYYMM');
BEGIN
    IF to_regclass(partition) IS NULL
       AND NOT EXISTS (SELECT FROM core_event_default
                       WHERE recorded_at >= first_day AND recorded_at < first_day + interval '1 month') THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF core_event FOR VALUES FROM (%L) TO (%L)',
                       partition, first_day, first_day + interval '1 month');
    END IF;
END $$;
SELECT core_event_partition((now() + make_interval(months => m))::date) FROM generate_series(0, 2) m;

CREATE FUNCTION core_event_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The event log is append-only: % is refused.', TG_OP;
END $$;
CREATE TRIGGER core_event_append_only BEFORE UPDATE OR DELETE ON core_event
    FOR EACH ROW EXECUTE FUNCTION core_event_refuse_change();

CREATE TABLE core_cursor (
    reader text PRIMARY KEY,
    tx xid8 NOT NULL DEFAULT '0',
    event_id bigint NOT NULL DEFAULT 0,
    events_read bigint NOT NULL DEFAULT 0,
    moved_at timestamptz
);
"""
UNDO = """
DROP TABLE core_cursor;
DROP TABLE core_event;
DROP FUNCTION core_event_partition(date);
DROP FUNCTION core_event_refuse_change();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            EVENT_LOG,
            UNDO,
            state_operations=[
                migrations.CreateModel(
                    "Event",
                    [
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("tx", models.TextField()),
                        ("recorded_at", models.DateTimeField()),
                        ("name", models.TextField()),
                        ("key", models.TextField()),
                        ("payload", models.JSONField()),
                    ],
                    options={"db_table": "core_event", "managed": False},
                ),
                migrations.CreateModel(
                    "Cursor",
                    [
                        ("reader", models.TextField(primary_key=True, serialize=False)),
                        ("event_id", models.BigIntegerField()),
                        ("events_read", models.BigIntegerField()),
                        ("moved_at", models.DateTimeField(null=True)),
                    ],
                    options={"db_table": "core_cursor", "managed": False},
                ),
            ],
        ),
        migrations.CreateModel(
            "Setting",
            [
                ("key", models.TextField(primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
        ),
    ]
