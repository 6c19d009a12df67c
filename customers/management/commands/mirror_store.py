from urllib.parse import urljoin

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from customers.mirror import services
from customers.mirror.arguments import TOKEN_VARIABLE, clean_store_url, read_token
from customers.mirror.client import API_VERSION, StoreClient, StoreRefused
from customers.mirror.models import MirroredStore
from oauth.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Subscribe to the webhooks of another store, so that its customers stay the same here. The command reads an "
        f"API token of that store, with the scope webhooks:write, from {TOKEN_VARIABLE}, or asks for it. Run again, it "
        "updates the webhook."
    )

    def add_arguments(self, parser):
        parser.add_argument("url", metavar="URL", help="The other store's address, as in https://store.example.")
        parser.add_argument(
            "--at", required=True, metavar="URL", help="This store's address, as the other one sees it."
        )
        parser.add_argument(
            "--keep-token",
            action="store_true",
            help="Keep the token, encrypted, so that manage.py run_worker reads changed customers from the store. "
            "Events that arrive late or out of order then do no harm. The token needs the scope users:read, too.",
        )

    def handle(self, *, url, at, keep_token, **options):
        try:
            client = StoreClient(clean_store_url(url), read_token(), settings.MIRRORED_STORE_RATE)
            this_store = clean_store_url(at)
            if keep_token:
                client.get("users/?page_size=1")
            store = services.get_or_create_store(client.url)
            target = urljoin(this_store, reverse("receive-event", args=[store.pk]))
            webhook_id = self.subscribe(store, client, target)
        except ServiceError as error:
            raise CommandError(error.message) from None
        services.save_subscription(store.pk, webhook_id=webhook_id, token=client.token if keep_token else "")
        events = ", ".join(services.SUBSCRIBED_EVENTS)
        self.stdout.write(f"Webhook {webhook_id} of {store} sends these events to {target}: {events}.")
        if keep_token:
            self.stdout.write("The token is kept. Keep manage.py run_worker running beside the server.")

    def subscribe(self, store: MirroredStore, client: StoreClient, target: str) -> int:
        """Updates the webhook of an earlier run, or creates one. Returns its id."""
        body = {
            "name": "Mirror",
            "target": target,
            "events": services.SUBSCRIBED_EVENTS,
            "secret_key": store.secret_key,
            "api_version": API_VERSION,
            "active": True,
        }
        if store.webhook_id:
            try:
                return client.request("PATCH", f"webhooks/{store.webhook_id}/", body)["id"]
            except StoreRefused as error:
                if error.status != 404:
                    raise
        return client.request("POST", "webhooks/", body)["id"]
