"""What `manage.py` does with the environment it is given."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    names = ("DEVELOPMENT", "SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, env={**clean, **environment}, capture_output=True, text=True)


USE_THE_KEY = ("shell", "--no-imports", "-c", "from django.core import signing; signing.dumps(1)")


class TestSecretKey:
    def test_secret_key_is_required_in_production(self, tmp_path):
        run = manage(*USE_THE_KEY, VAR_DIR=str(tmp_path))

        assert run.returncode != 0
        assert "SECRET_KEY setting must not be empty" in run.stderr

    def test_secret_key_is_generated_in_development_readable_by_its_owner(self, tmp_path):
        assert manage("check", VAR_DIR=str(tmp_path), DEVELOPMENT="1").returncode == 0

        kept = tmp_path / "secret_key"
        assert len(kept.read_text()) >= 64
        assert kept.stat().st_mode & 0o077 == 0

    def test_generated_secret_key_is_used_by_later_commands(self, tmp_path):
        manage("check", VAR_DIR=str(tmp_path), DEVELOPMENT="1")

        assert manage(*USE_THE_KEY, VAR_DIR=str(tmp_path)).returncode == 0


class TestFiles:
    def test_database_and_its_folder_are_for_their_owner_alone(self, tmp_path):
        folder = tmp_path / "var"
        assert manage("migrate", "auth", VAR_DIR=str(folder), DEVELOPMENT="1").returncode == 0

        modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
        assert modes == {name: 0o700 if name == "var" else 0o600 for name in modes}
        assert "store.sqlite3" in modes


class TestReplica:
    def test_replica_needs_postgresql(self, tmp_path):
        for primary, replica in (("sqlite:///x", "postgresql://db2/store"), ("postgresql://db1/store", "sqlite:///x")):
            run = manage("check", VAR_DIR=str(tmp_path), DATABASE_URL=primary, DATABASE_REPLICA_URL=replica)

            assert run.returncode != 0, primary
            assert "DATABASE_REPLICA_URL needs PostgreSQL" in run.stderr, primary


class TestStatementLimit:
    """Without a database: the limit is an option of connections that are opened later."""

    def options(self, folder, code, **environment):
        code += "; from django.db import connection; print(connection.settings_dict['OPTIONS'])"
        environment |= {"VAR_DIR": str(folder), "DEVELOPMENT": "1", "DATABASE_URL": "postgresql://localhost/none"}
        run = manage("shell", "--no-imports", "-c", code, **environment)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def test_statements_of_a_served_store_are_limited(self, tmp_path):
        assert "statement_timeout=7s" in self.options(tmp_path, "import config.wsgi", DATABASE_STATEMENT_SECONDS="7")

    def test_statements_of_commands_are_not_limited(self, tmp_path):
        assert "statement_timeout" not in self.options(tmp_path, "pass", DATABASE_STATEMENT_SECONDS="7")


class TestDeployCheck:
    def test_deploy_check_has_no_warnings_on_production_settings(self, tmp_path):
        run = manage(
            "check", "--deploy", "--fail-level", "WARNING", VAR_DIR=str(tmp_path), SECRET_KEY="0123456789abcdef" * 5
        )

        assert run.returncode == 0, run.stderr
