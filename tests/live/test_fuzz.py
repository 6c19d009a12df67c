"""Schemathesis makes requests from the OpenAPI document and checks every answer against it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.live.conftest import PATIENCE, PROJECT

SECONDS = int(os.environ.get("FUZZ_SECONDS", "10"))
SEED = os.environ.get("FUZZ_SEED", "1")
HOOKS = "tests.live.schemathesis_hooks"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize("version", ApiVersion.values)
def test_schemathesis_finds_no_crash_and_no_undocumented_answer(store, version, tmp_path):
    shop = store(RATE_LIMIT="0")
    shop.token = shop.manage("create_token", "--app", "Fuzz", "--scope", *Scope).strip()
    session, users = shop.session(), f"{shop.url}/api/admin/users/"
    [customer] = session.get(users, params={"user_type": "lead"}).json()["results"]
    note = session.post(f"{users}{customer['id']}/notes/", {"message": "Who writes this?"}).json()

    run = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIGURATION, "run"),
            *(f"{shop.url}/api/schema/admin/?version={version}", "--url", shop.url),
            *("--header", f"Authorization: Bearer {shop.token}", "--header", f"X-29next-API-Version: {version}"),
            *("--max-time", str(SECONDS), "--seed", SEED, "--continue-on-failure", "--no-color"),
            *("--request-timeout", str(PATIENCE), "--suppress-health-check", "too_slow"),  # on a busy machine
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "CLIENT_ID": note["app"]["client_id"],
            "SCHEMATHESIS_HOOKS": HOOKS,
            "PYTHONPATH": str(PROJECT),
        },
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout[-8000:]
