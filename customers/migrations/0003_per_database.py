"""What each database has to be told in its own words."""

from django.db import migrations

from customers.ratelimit import TABLE

POSTGRESQL = [
    # Not logged: a crash may forget who called within the last second.
    f"CREATE UNLOGGED TABLE {TABLE} (token_id bigint PRIMARY KEY, moments float8[] NOT NULL) WITH (fillfactor = 50)",
]
# What a "contains" is looked up in. `pg_trgm` comes with PostgreSQL's contrib package; without it such a filter is
# right, and scans.
POSTGRESQL_TRIGRAMS = [
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX user_full_name_trigrams ON customers_user USING gin (full_name gin_trgm_ops)",
    "CREATE INDEX user_phone_number_trigrams ON customers_user USING gin (phone_number gin_trgm_ops)",
]
SQLITE = [f"CREATE TABLE {TABLE} (token_id INTEGER PRIMARY KEY, moments TEXT NOT NULL) WITHOUT ROWID"]


def forwards(apps, schema_editor):
    statements = SQLITE
    if schema_editor.connection.vendor == "postgresql":
        statements = POSTGRESQL
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm')")
            if cursor.fetchone()[0]:
                statements = POSTGRESQL + POSTGRESQL_TRIGRAMS
    for statement in statements:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE {TABLE}")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS user_full_name_trigrams, user_phone_number_trigrams")


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
