"""The tables of our side and of the raw one: `python -m tests.bench.ours TOTAL` migrates, makes customers, and prints
what requests need to know, as JSON: `tokens` and some `customers`."""

import sys
import threading
from datetime import UTC, datetime
from hashlib import sha256

import django
import orjson

from oauth.actor import SYSTEM

# So many that each stays under its own limit whatever the rate, which a single client's would not.
TOKENS = 500
REQUESTS_PER_SECOND = 20


def prepare(total: int) -> dict:
    from django.core.management import call_command

    from customers import customer_count, services
    from customers.medusa import short_searches
    from customers.models import Address, User
    from oauth.models import AccessToken
    from oauth.scopes import Scope
    from oauth.tokens import generate_access_token, issue_personal_token
    from tests.bench import seed
    from tests.bench.traffic import CUSTOMER

    call_command("migrate", verbosity=0)
    owner = User.objects.create_superuser("owner@example.com", date_joined=datetime(2020, 1, 1, tzinfo=UTC))
    issue_personal_token(
        app_name="Bench",
        scopes=[Scope.USERS_READ, Scope.USERS_WRITE, Scope.WEBHOOKS_WRITE],
        owner=owner,
        rate_limit=REQUESTS_PER_SECOND,
    )
    tokens = [generate_access_token() for _ in range(TOKENS)]
    first = AccessToken.objects.values("application_id", "user_id", "scope", "expires").get()
    AccessToken.objects.bulk_create(
        # As in use: the first use of each is noted in the security log.
        AccessToken(
            **first, token="", token_checksum=sha256(token.encode()).hexdigest(), last_used_at=datetime.now(UTC)
        )
        for token in tokens
    )
    seed.multiply(services.create_user(by=SYSTEM, **CUSTOMER), {Address: "user_id"}, total)
    # As a worker does.
    customer_count.count(up_to=User.objects.latest("pk").pk)
    short_searches.run(threading.Event(), until_empty=True)
    return {"tokens": tokens, "customers": seed.some(User)}


if __name__ == "__main__":
    django.setup()
    sys.stdout.buffer.write(orjson.dumps(prepare(int(sys.argv[1]))))
