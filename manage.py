#!/usr/bin/env python
"""Django's command line."""

import importlib.util
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUR_PYTHON = HERE / ".venv" / "bin" / "python"


def main() -> None:
    """Run a command; with the environment that `make` made, whichever Python was asked."""
    if importlib.util.find_spec("django") is None and OUR_PYTHON.exists():
        os.execv(OUR_PYTHON, [str(OUR_PYTHON), *sys.argv])  # noqa: S606
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
