from django.apps import AppConfig


class ListsConfig(AppConfig):
    """What an owner sets up: people, realms, lists, contacts, keys; who may touch what."""

    name = "lists"
    default_auto_field = "django.db.models.BigAutoField"
