from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from oauth.errors import ServiceError
from oauth.models import DEFAULT_API_VERSION, ApiVersion
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token


class Command(BaseCommand):
    help = "Issue a personal access token for a private app and print it. A former token of the app is revoked."

    def add_arguments(self, parser):
        parser.add_argument("--app", required=True, help="the name of the private app")
        parser.add_argument(
            "--scope", required=True, nargs="+", choices=[str(scope) for scope in Scope], metavar="SCOPE",
            help="one or more of: " + ", ".join(Scope),
        )  # fmt: skip
        parser.add_argument("--owner", help="email of the dashboard user it acts for (default: the first superuser)")
        parser.add_argument(
            "--api-version",
            choices=ApiVersion.values,
            help=f"used without a version header (default: that of the app, or {DEFAULT_API_VERSION} for a new one)",
        )

    def handle(self, *, app, scope, owner, api_version, **options):
        user = self.find_owner(owner)
        if user is None or not (user.is_active and user.is_staff):
            raise CommandError(f"No active dashboard user {owner or 'yet: run manage.py createsuperuser first'}.")
        scopes = [Scope(word) for word in dict.fromkeys(scope)]
        settings = {"api_version": api_version} if api_version else {}
        try:
            self.stdout.write(issue_personal_token(app_name=app, scopes=scopes, owner=user, **settings))
        except ServiceError as error:
            raise CommandError(f"The name of the app: {error.message}") from None

    def find_owner(self, email: str | None):
        users = get_user_model()._default_manager
        if not email:
            return users.filter(is_superuser=True, is_active=True).order_by("pk").first()
        try:
            return users.get_by_natural_key(email)
        except users.model.DoesNotExist:
            return None
