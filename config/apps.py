from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created

from config.database import prepare_connection


class ConfigConfig(AppConfig):
    """The project itself: checks, durable commits, and the commands that need all three apps."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers them

        if not settings.TESTING:  # a test database is made anew after a crash
            connection_created.connect(prepare_connection, dispatch_uid="config.prepare_connection")
