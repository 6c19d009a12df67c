from urllib.parse import urljoin

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from customers.mirror import services
from customers.mirror.client import (
    API_VERSION,
    TOKEN_VARIABLE,
    Refused,
    StoreClient,
    Unavailable,
    asked_for_token,
    clean_url,
)
from customers.mirror.models import FollowedStore
from oauth.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Subscribe to the webhooks of another store, so that what changes there changes here. A token of it that may "
        f"write webhooks is taken from {TOKEN_VARIABLE}, or asked for. To follow a store that was followed before "
        "changes its webhook."
    )

    def add_arguments(self, parser):
        parser.add_argument("url", metavar="URL", help="The store's address, as in https://store.example.")
        parser.add_argument("--at", required=True, metavar="URL", help="This store's address, as that one sees it.")
        parser.add_argument(
            "--keep-token",
            action="store_true",
            help="Keep the token, encrypted, to read customers whom events are about (manage.py run_worker): events "
            "that come late then do no harm. It has to read customers, too.",
        )

    def handle(self, *, url, at, keep_token, **options):
        try:
            client, here = StoreClient(clean_url(url), asked_for_token(), settings.FOLLOWED_STORE_RATE), clean_url(at)
            if keep_token:
                client.get("users/?page_size=1")
            store = services.store_at(client.url)
            target = urljoin(here, reverse("receive-event", args=[store.pk]))
            webhook_id = self.subscribe(store, client, target)
        except ServiceError as error:
            raise CommandError(error.message) from None
        except (Unavailable, Refused) as error:
            raise CommandError(str(error)) from None
        services.subscribed(store.pk, webhook_id=webhook_id, token=client.token if keep_token else "")
        self.stdout.write(f"Webhook {webhook_id} of {store} tells {target} of {', '.join(services.EVENTS)}.")
        if keep_token:
            self.stdout.write("The token is kept. manage.py run_worker has to run, beside the server.")

    def subscribe(self, store: FollowedStore, client: StoreClient, target: str) -> int:
        body = {
            "name": "Followed",
            "target": target,
            "events": services.EVENTS,
            "secret_key": store.secret_key,
            "api_version": API_VERSION,
            "active": True,
        }
        if store.webhook_id:
            try:
                return client.ask("PATCH", f"webhooks/{store.webhook_id}/", body)["id"]
            except Refused as error:
                if error.code != 404:
                    raise
        return client.ask("POST", "webhooks/", body)["id"]
