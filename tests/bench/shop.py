"""A store as its owner has it: `python -m tests.bench.shop TOTAL` migrates, makes customers who have bought, and prints
some of them, as JSON, and the owner's password as the only one of the `tokens`."""

import secrets
import sys
import threading
from datetime import UTC, datetime

import django
import orjson

from oauth.actor import SYSTEM
from tests.bench.seed import VARIED

OWNER = "owner@example.com"
# A third has bought.
IS_CUSTOMER = "mod(n, 3) = 0"
VARIED_MORE = VARIED | {
    "user_type": f"CASE WHEN {IS_CUSTOMER} THEN 'customer' ELSE 'lead' END",
    "orders_count": f"CASE WHEN {IS_CUSTOMER} THEN 1 + mod(n, 7) ELSE 0 END",
    "total_spent": f"CASE WHEN {IS_CUSTOMER} THEN mod(n * 7919, 90000) / 100.0 ELSE 0 END",
    "language": "(ARRAY['en', 'de', 'fr', 'nl', NULL])[1 + mod(n, 5)]",
    "tags": "CASE WHEN mod(n, 100) = 0 THEN '[\"vip\"]'::jsonb ELSE '[\"newsletter\"]'::jsonb END",
}
ORDERS = """
    INSERT INTO {orders}
        (user_id, number, date_placed, payment_status, is_test, currency, total, refunded, document)
    SELECT id, 'N' || id || '-' || k, least(date_joined + k * interval '3 days', now()), 'paid', false, 'EUR',
        round(total_spent / orders_count, 2), 0, '{{"number": "as reported"}}'::jsonb
    FROM {people}, generate_series(1, 7) k WHERE k <= orders_count
"""
BUYERS = """
    INSERT INTO {buyers} (user_id, date_joined, first_order_at, last_order_at)
    SELECT user_id, date_joined, min(date_placed), max(date_placed)
    FROM {orders} JOIN {people} ON {people}.id = user_id GROUP BY user_id, date_joined
"""


def prepare(total: int) -> dict:
    from django.core.management import call_command
    from django.db import connection
    from django.db.models import Max

    from customers import customer_count, services
    from customers.dashboard import home_numbers
    from customers.models import Address, Event, User
    from customers.orders.models import Buyer, Order
    from tests.bench import seed
    from tests.bench.traffic import CUSTOMER

    call_command("migrate", verbosity=0)
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(OWNER, password, date_joined=datetime(2020, 1, 1, tzinfo=UTC))
    first = services.create_user(by=SYSTEM, **CUSTOMER)
    seed.multiply(first, {Address: "user_id", Event: "user_id"}, total, VARIED_MORE)
    models = {"buyers": Buyer, "orders": Order, "people": User}
    tables = {name: model._meta.db_table for name, model in models.items()}
    with connection.cursor() as cursor:
        cursor.execute(ORDERS.format(**tables))
        cursor.execute(BUYERS.format(**tables))
        cursor.execute("VACUUM ANALYZE")
    # As a worker does.
    customer_count.count(up_to=User.objects.aggregate(last=Max("pk"))["last"])
    home_numbers.run(threading.Event(), until_empty=True)
    return {"tokens": [password], "customers": seed.some(User)}


if __name__ == "__main__":
    django.setup()
    sys.stdout.buffer.write(orjson.dumps(prepare(int(sys.argv[1]))))
