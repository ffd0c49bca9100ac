from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project itself: checks, and the commands that need all three apps."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401  registers them
