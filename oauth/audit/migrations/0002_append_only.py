"""A trigger with which PostgreSQL refuses to change or delete a row of the log, except to erase who it was, and to delete
what is older than a year (`KEPT_AT_LEAST`). There is no switch that opens more."""

from django.db import migrations

FORWARDS = """
    CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF TG_OP = 'UPDATE' AND NEW.actor = '(erased)' AND NEW.ip IS NULL
                AND to_jsonb(NEW) - 'actor' - 'ip' = to_jsonb(OLD) - 'actor' - 'ip'
            THEN RETURN NEW; END IF;
            IF TG_OP = 'DELETE' AND OLD.at < now() - interval '365 days' THEN RETURN OLD; END IF;
            RAISE EXCEPTION 'The audit log can''t be changed.';
        END $$;
    CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_auditevent
        FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARDS = "DROP TRIGGER audit_event_append_only ON audit_auditevent; DROP FUNCTION audit_refuse_change();"


def on_postgresql(statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statements)

    return run


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(on_postgresql(FORWARDS), on_postgresql(BACKWARDS))]
