from django.apps import AppConfig


class ReportingConfig(AppConfig):
    """What we tell people about it: reports, exports, notifications, counters."""

    name = "reporting"
    default_auto_field = "django.db.models.BigAutoField"
