from django.db import migrations

from oauth.replica import TABLES

# Not logged: oauth.replica says why a crash may forget it.
CREATE = "CREATE UNLOGGED TABLE {table} (id bigint PRIMARY KEY, lsn bigint NOT NULL) WITH (fillfactor = 50)"


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(CREATE.format(table=table))


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"DROP TABLE {table}")


class Migration(migrations.Migration):
    dependencies = [("oauth", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
