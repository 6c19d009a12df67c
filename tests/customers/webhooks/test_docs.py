"""docs/webhooks.md: its receivers work, and it lists every event type."""

import re
import shutil
import subprocess

import pytest
from django.conf import settings

from customers.webhooks.events import EVENT_TYPES
from customers.webhooks.signing import sign

GUIDE = (settings.BASE_DIR / "docs" / "webhooks.md").read_text()
SECRET = "a-long-random-secret"
BODY = '{"data": {"first_name": "Zo\\u00eb"}}'

pytestmark = pytest.mark.once


def code(language: str) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)[0]


def test_python_example_verifies_webhook_signatures():
    scope: dict = {}
    exec(code("python").partition("class Receiver")[0], scope)

    assert scope["is_signed"](BODY.encode(), sign(BODY.encode(), SECRET))
    assert not scope["is_signed"](BODY.encode(), sign(BODY.encode(), "another secret"))


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
def test_javascript_example_verifies_webhook_signatures():
    check = """
        const [body, right, wrong] = process.argv.slice(-3);
        console.log(isSigned(body, right), isSigned(body, wrong), isSigned(body, ""));
    """
    script = code("javascript").partition("createServer(async")[0] + check
    signatures = [sign(BODY.encode(), secret) for secret in (SECRET, "another secret")]

    node = ["node", "--input-type=module", "--eval", script, "--", BODY, *signatures]
    result = subprocess.run(node, capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["true", "false", "false"]


def test_guide_lists_every_webhook_event_type():
    first_cells = " ".join(re.findall(r"^\| (`\w+\.\w+`[^|]*)", GUIDE, re.MULTILINE))
    assert set(re.findall(r"`(\w+\.\w+)`", first_cells)) == set(EVENT_TYPES)
