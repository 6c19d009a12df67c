import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from oauth.models import ApiVersion  # noqa: E402  needs Django set up
from tests import snapshots  # noqa: E402  needs Django set up

for version in ApiVersion.values:
    snapshots.path_of(version).write_text(snapshots.text_of(version))
    print(snapshots.path_of(version))
