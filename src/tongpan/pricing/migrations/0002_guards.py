"""Let the database refuse two prices at once, and every edit of what counted."""

from django.db import migrations

# A range of one id stands for the id: so no extension is needed to hold ids and validity in one exclusion constraint.
GUARDS = """
ALTER TABLE pricing_priceentry ADD CONSTRAINT one_price_at_a_time EXCLUDE USING gist (
  int8range(sku_id, sku_id, '[]') WITH &&,
  int8range(price_list_id, price_list_id, '[]') WITH &&,
  int4range(min_qty, min_qty, '[]') WITH &&,
  valid WITH &&);
ALTER TABLE pricing_skucost ADD CONSTRAINT one_cost_at_a_time EXCLUDE USING gist (
  int8range(sku_id, sku_id, '[]') WITH &&,
  int4range(ascii(currency) * 65536 + ascii(substr(currency, 2)) * 256 + ascii(substr(currency, 3)),
            ascii(currency) * 65536 + ascii(substr(currency, 2)) * 256 + ascii(substr(currency, 3)), '[]') WITH &&,
  valid WITH &&);
CREATE FUNCTION pricing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused.', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION pricing_only_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - 'valid' <> to_jsonb(OLD) - 'valid' OR NOT NEW.valid <@ OLD.valid
     OR (NOT isempty(NEW.valid) AND lower(NEW.valid) IS DISTINCT FROM lower(OLD.valid)) THEN
    RAISE EXCEPTION 'A row of % is ended, never edited.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER prices_are_ended BEFORE UPDATE ON pricing_priceentry FOR EACH ROW EXECUTE FUNCTION pricing_only_end();
CREATE TRIGGER prices_stay BEFORE DELETE ON pricing_priceentry FOR EACH ROW EXECUTE FUNCTION pricing_refuse_change();
CREATE TRIGGER costs_are_ended BEFORE UPDATE ON pricing_skucost FOR EACH ROW EXECUTE FUNCTION pricing_only_end();
CREATE TRIGGER costs_stay BEFORE DELETE ON pricing_skucost FOR EACH ROW EXECUTE FUNCTION pricing_refuse_change();
CREATE TRIGGER price_log_is_append_only BEFORE UPDATE OR DELETE ON pricing_pricelog
  FOR EACH ROW EXECUTE FUNCTION pricing_refuse_change();
CREATE TRIGGER personal_prices_are_append_only BEFORE UPDATE OR DELETE ON pricing_personalprice
  FOR EACH ROW EXECUTE FUNCTION pricing_refuse_change();
"""
UNGUARDED = """
DROP TRIGGER personal_prices_are_append_only ON pricing_personalprice;
DROP TRIGGER price_log_is_append_only ON pricing_pricelog;
DROP TRIGGER costs_stay ON pricing_skucost;
DROP TRIGGER costs_are_ended ON pricing_skucost;
DROP TRIGGER prices_stay ON pricing_priceentry;
DROP TRIGGER prices_are_ended ON pricing_priceentry;
DROP FUNCTION pricing_only_end();
DROP FUNCTION pricing_refuse_change();
ALTER TABLE pricing_skucost DROP CONSTRAINT one_cost_at_a_time;
ALTER TABLE pricing_priceentry DROP CONSTRAINT one_price_at_a_time;
"""


class Migration(migrations.Migration):
    dependencies = [("pricing", "0001_book")]

    operations = [migrations.RunSQL(GUARDS, UNGUARDED)]
