PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test test-sqlite test-postgresql test-live lint format lock audit sbom lab bench schema screenshots clean

run: .venv/run
	@DEVELOPMENT=1 $(BIN)/python manage.py quickstart

# 5,000 generated customers, in a store that has no customers of its own.
demo: .venv/run
	@DEVELOPMENT=1 $(BIN)/python manage.py demo
	@DEVELOPMENT=1 $(BIN)/python manage.py quickstart

test: test-sqlite test-postgresql
	@echo
	@echo "Passed on SQLite and on PostgreSQL. 'make test-live' adds the tests that need a running store: the dashboard in a"
	@echo "real browser, real API clients, fuzzing, killed servers and workers."

test-sqlite: .venv/test
	$(BIN)/pytest -n auto -m "not live"

# On the server that TEST_DATABASE_URL names, or on a temporary one.
test-postgresql: .venv/test
	$(BIN)/python -m tests.support.postgresql $(BIN)/pytest -n auto -m "not live and not once"

# All live tests on PostgreSQL, and those that the database matters to on SQLite, too.
test-live: .venv/test
	$(BIN)/python -m tests.support.postgresql $(BIN)/pytest -n auto -m live
	$(BIN)/pytest -n auto -m "live and both_databases"

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEVELOPMENT=1 $(BIN)/mypy config customers oauth
	$(BIN)/lint-imports
	DEVELOPMENT=1 $(BIN)/python manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m tests.support.postgresql $(BIN)/python manage.py lintmigrations \
		--quiet ok ignore --no-cache --ignore-initial-migrations --warnings-as-errors
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(64))") ALLOWED_HOSTS=store.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Renews requirements.lock, from which a deployment installs: the newest versions that pyproject.toml allows.
lock: .venv/test
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

audit: .venv/test
	.ci/audit

# The locked dependencies as a software bill of materials (CycloneDX), in sbom.json.
sbom: .venv/test
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json

# With AGAINST=PATH it first compares the CPU time with that of another checkout, which has a .venv.
# Also: python -m tests.bench --scale, --nodes and --dashboard.
BENCH = $(BIN)/python -m tests.support.postgresql $(BIN)/python -m tests.bench
bench: .venv/test
	$(if $(AGAINST),$(BENCH) --against $(AGAINST))
	$(BENCH)

# Kills and cuts off everything in turn, under load. Also: python -m tests.lab --soak. docs/failure-lab.md
lab: .venv/test
	$(BIN)/python -m tests.lab

# Writes the committed OpenAPI documents. Run it after a change that is meant to change them, and read the diff.
schema: .venv/test
	$(BIN)/python -m tests.snapshots

# Takes the pictures in docs/screenshots. Run it after a change to the look of the dashboard.
screenshots: .venv/test
	$(BIN)/python -m tests.live.dashboard.screenshots

# The database in var/ stays.
clean:
	rm -rf .venv .*_cache *.egg-info

# Installed again when pyproject.toml has changed.
.venv/run: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed: make PYTHON=python3.12 run' if sys.version_info < (3, 11) else 0)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/test: .venv/run
	@echo "Installing what the tests need ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@
