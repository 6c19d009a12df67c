from django.apps import AppConfig


class FollowingConfig(AppConfig):
    name = "customers.following"
    label = "following"
    verbose_name = "Followed stores"

    def ready(self):
        from customers.following import receivers  # noqa: F401  of what else happens here
