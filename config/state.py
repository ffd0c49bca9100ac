"""The state folder: the one place for what is not code."""

import os
import secrets
from pathlib import Path

FIRST_ADDRESS = "http://localhost:8000"


def served_address(state: Path) -> str:
    """Where `make run` served last from this state folder, so that commands by hand print links that work."""
    try:
        return (state / "base_url").read_text().strip() or FIRST_ADDRESS
    except OSError:
        return FIRST_ADDRESS


def remember_address(state: Path, url: str) -> None:
    """Keep what `served_address` says."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    (state / "base_url").write_text(url)


def kept_secret(state: Path, name: str) -> str:
    """The secret of that name in the state folder (mode 0600), made on first use: 50 URL-safe characters.

    Several processes may start at once: the first to link its file wins, and all read the same.
    """
    folder = state / "secrets"
    path = folder / name
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f".{name}.{os.getpid()}"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(37))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
