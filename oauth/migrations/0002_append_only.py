"""PostgreSQL refuses by itself to change or delete what stands in the audit log, but for forgetting who it was."""

from django.db import migrations

FORWARDS = """
    CREATE FUNCTION oauth_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF TG_OP = 'UPDATE' AND NEW.actor = '(erased)' AND NEW.ip IS NULL
                AND to_jsonb(NEW) - 'actor' - 'ip' = to_jsonb(OLD) - 'actor' - 'ip'
            THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'The audit log can''t be changed.';
        END $$;
    CREATE TRIGGER oauth_audit_event_append_only BEFORE UPDATE OR DELETE ON oauth_auditevent
        FOR EACH ROW EXECUTE FUNCTION oauth_refuse_change();
"""
BACKWARDS = "DROP TRIGGER oauth_audit_event_append_only ON oauth_auditevent; DROP FUNCTION oauth_refuse_change();"


def on_postgresql(statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statements)

    return run


class Migration(migrations.Migration):
    dependencies = [("oauth", "0001_initial")]
    operations = [migrations.RunPython(on_postgresql(FORWARDS), on_postgresql(BACKWARDS))]
