from django.apps import AppConfig


class FollowingConfig(AppConfig):
    name = "customers.following"
    label = "following"
    verbose_name = "Followed stores"

    def ready(self):
        from customers.following import receivers  # noqa: F401  imported to be connected to its signals
