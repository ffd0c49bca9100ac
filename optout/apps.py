from django.apps import AppConfig


class OptoutConfig(AppConfig):
    """What a recipient does: the ways in, the one operation, the suppression record."""

    name = "optout"
    verbose_name = "Opt-out"
    default_auto_field = "django.db.models.BigAutoField"
