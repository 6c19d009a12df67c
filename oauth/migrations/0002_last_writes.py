from django.db import migrations

from oauth.replica import TABLE

# Not logged: oauth.replica says why a crash may forget it.
CREATE = f"CREATE UNLOGGED TABLE {TABLE} (app_id bigint PRIMARY KEY, lsn bigint NOT NULL) WITH (fillfactor = 50)"


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TABLE {TABLE}")


class Migration(migrations.Migration):
    dependencies = [("oauth", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
