import os
import subprocess
import sys

import pytest

# A process of its own: the module changes what Django does before and after each request of the process.
PROGRAM = """
from io import BytesIO
from config.wsgi import Handler

handler = Handler()
for path in ("/api/admin/users/", "/api/admin/users/7/", "/api/admin/nothing/", "/nothing/") * 2:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
               "wsgi.input": BytesIO(), "wsgi.url_scheme": "https"}
    handler(environ, lambda status, headers: print(path, status[:3])).close()
print(*handler.matches)
"""


@pytest.mark.once
def test_only_paths_without_parameters_are_remembered(tmp_path):
    environment = {**os.environ, "DEVELOPMENT": "1", "VAR_DIR": str(tmp_path)}
    output = subprocess.check_output([sys.executable, "-W", "ignore", "-c", PROGRAM], text=True, env=environment)
    *answers, remembered = output.splitlines()
    once = ["/api/admin/users/ 401", "/api/admin/users/7/ 401", "/api/admin/nothing/ 404", "/nothing/ 404"]
    assert answers == once * 2
    assert remembered == "/api/admin/users/"
