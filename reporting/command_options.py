"""What management commands are given, before anything is looked up by it."""

from collections.abc import Mapping

from django.core.management.base import CommandError


def check_options(options: Mapping[str, object]) -> None:
    """Raise CommandError where an option's value is no text: octets that are no UTF-8, or a NUL, which no database finds."""
    for name, value in options.items():
        if isinstance(value, str) and not _is_text(value):
            option = name.replace("_", "-")
            raise CommandError(f"--{option} is no text: it must be UTF-8.", returncode=2)


def _is_text(value: str) -> bool:
    try:
        value.encode()  # what is no UTF-8 comes from the shell as surrogates
    except UnicodeEncodeError:
        return False
    return "\0" not in value
