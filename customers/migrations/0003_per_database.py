"""Tables and indexes that differ between PostgreSQL and SQLite."""

from django.db import migrations

from customers.core.ratelimit import TABLE

POSTGRESQL = [
    # Not logged: a crash may forget who called within the last second.
    f"CREATE UNLOGGED TABLE {TABLE} (token_id bigint PRIMARY KEY, moments float8[] NOT NULL) WITH (fillfactor = 50)",
    "CREATE INDEX user_tags ON customers_user USING gin (tags jsonb_path_ops)",
    "CREATE INDEX user_metadata ON customers_user USING gin (metadata jsonb_path_ops) WHERE metadata IS NOT NULL",
]
# What a "contains" is looked up in. They need an extension of PostgreSQL's contrib package; without it, such a filter is
# right, and scans.
EXTENSION = "pg_trgm"
TRIGRAMS = [
    f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}",
    "CREATE INDEX user_search_text_trigrams ON customers_user USING gin (search_text gin_trgm_ops)",
    "CREATE INDEX address_search_text_trigrams ON customers_address USING gin (search_text gin_trgm_ops)",
]
SQLITE = [f"CREATE TABLE {TABLE} (token_id INTEGER PRIMARY KEY, moments TEXT NOT NULL) WITHOUT ROWID"]


def forwards(apps, schema_editor):
    statements = SQLITE
    if schema_editor.connection.vendor == "postgresql":
        statements = POSTGRESQL
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = %s)", [EXTENSION])
            if cursor.fetchone()[0]:
                statements = [*statements, *TRIGRAMS]
    for statement in statements:
        schema_editor.execute(statement)


def backwards(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE {TABLE}")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "DROP INDEX IF EXISTS user_tags, user_metadata, user_search_text_trigrams, address_search_text_trigrams"
        )


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
