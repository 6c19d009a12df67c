PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test test-sqlite test-postgresql lint format bench schema screenshots clean

run: .venv/run
	@DEVELOPMENT=1 $(BIN)/python manage.py quickstart

# 5,000 people who do not exist, in a store that has no customers of its own.
demo: .venv/run
	@DEVELOPMENT=1 $(BIN)/python manage.py demo
	@DEVELOPMENT=1 $(BIN)/python manage.py quickstart

test: test-sqlite test-postgresql

test-sqlite: .venv/test
	$(BIN)/pytest -n auto

# On the server that TEST_DATABASE_URL names, or on one of the tests' own.
test-postgresql: .venv/test
	$(BIN)/python -m tests.support.postgresql $(BIN)/pytest -n auto

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	DEVELOPMENT=1 $(BIN)/mypy config customers oauth
	$(BIN)/lint-imports
	DEVELOPMENT=1 $(BIN)/python manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(BIN)/python -c "import secrets; print(secrets.token_urlsafe(64))") ALLOWED_HOSTS=store.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Also: python -m tests.bench --scale, and --dashboard.
bench: .venv/test
	$(BIN)/python -m tests.support.postgresql $(BIN)/python -m tests.bench

# The committed OpenAPI documents, after a change that means to change them.
schema: .venv/test
	$(BIN)/python -m tests.snapshots

# The pictures in docs/, after a change to the dashboard's looks.
screenshots: .venv/test
	$(BIN)/python -m tests.live.dashboard.screenshots

# The database in var/ stays.
clean:
	rm -rf .venv .*_cache *.egg-info

# The environment, made anew when what it holds has changed.
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
