from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "customers.groups"
    label = "groups"
    verbose_name = "Customer groups"
