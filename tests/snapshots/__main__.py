import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from customers.api.openapi import DOCUMENTS  # noqa: E402  needs Django set up
from tests import snapshots  # noqa: E402  needs Django set up

for name in DOCUMENTS:
    snapshots.path_of(name).write_text(snapshots.text_of(name))
    print(snapshots.path_of(name))
