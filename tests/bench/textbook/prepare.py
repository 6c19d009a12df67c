"""`python -m tests.bench.textbook.prepare TOTAL`: as `tests.bench.ours`, for the textbook."""

import json
import secrets
import sys
from datetime import timedelta

import django


def prepare(total: int) -> dict:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.utils import timezone
    from oauth2_provider.models import AccessToken, Application

    from tests.bench import seed
    from tests.bench.ours import TOKENS
    from tests.bench.textbook.models import Address, Customer
    from tests.bench.textbook.serializers import CustomerSerializer
    from tests.bench.traffic import CUSTOMER

    call_command("migrate", run_syncdb=True, verbosity=0)
    owner = User.objects.create_superuser("owner")
    call_command("createcachetable", verbosity=0)
    application = Application.objects.create(
        user=owner,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    tokens = [
        AccessToken.objects.create(
            user=owner,
            application=application,
            scope="users:read users:write",
            token=secrets.token_urlsafe(32),
            expires=timezone.now() + timedelta(days=1),
        ).token
        for _ in range(TOKENS)
    ]
    serializer = CustomerSerializer(data=CUSTOMER)
    serializer.is_valid(raise_exception=True)
    seed.multiply(serializer.save(), {Address: "customer_id", Customer.tags.through: "customer_id"}, total)
    return {"tokens": tokens, "customers": seed.some(Customer)}


if __name__ == "__main__":
    django.setup()
    json.dump(prepare(int(sys.argv[1])), sys.stdout, default=str)
