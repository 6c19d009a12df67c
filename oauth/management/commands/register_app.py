from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from oauth import partner_apps
from oauth.actor import SYSTEM
from oauth.models import App
from oauth.scopes import Scope


class Command(BaseCommand):
    help = "Register a partner app and print its client ID and its client secret, which can't be shown again."

    def add_arguments(self, parser):
        parser.add_argument("--name", required=True)
        parser.add_argument("--app-url", required=True, help="where staff are sent to install and to open the app")
        parser.add_argument(
            "--redirect-uri",
            required=True,
            nargs="+",
            metavar="URI",
            help="compared exactly",
        )
        parser.add_argument(
            "--scope", default=[], nargs="*", choices=[str(scope) for scope in Scope], metavar="SCOPE",
            help="scopes that the app may ask for, any if none is given: " + ", ".join(Scope),
        )  # fmt: skip
        parser.add_argument(
            "--public",
            action="store_true",
            help="the app can't keep a secret, so it needs PKCE",
        )
        parser.add_argument(
            "--developer-email", default="", metavar="EMAIL", help="gets an email when the app's webhooks fail"
        )

    def handle(self, *, name, app_url, redirect_uri, scope, public, developer_email, **options):
        app = App(
            name=name,
            user=get_user_model()._default_manager.filter(is_superuser=True).order_by("pk").first(),
            app_url=app_url,
            redirect_uris="\n".join(redirect_uri),
            allowed_scopes=list(dict.fromkeys(scope)),
            developer_email=developer_email,
            client_type=App.CLIENT_PUBLIC if public else App.CLIENT_CONFIDENTIAL,
        )
        try:
            secret = partner_apps.register(app, SYSTEM)
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from None
        self.stdout.write(f"client_id={app.client_id}")
        if secret:
            self.stdout.write(f"client_secret={secret}")
        self.stdout.write(f"install=/dashboard/apps/install-app/?client_id={app.client_id}")
