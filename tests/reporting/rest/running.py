"""Runs the programs of the documentation as they stand there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = {"curl": ["sh"], "python": [sys.executable], "php": ["php"], "node": ["node"]}
SUFFIXES = {"curl": ".sh", "python": ".py", "php": ".php", "node": ".mjs"}


def run(
    language: str, text: str, folder: Path, key: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """What became of it. It never waits longer than it is told to."""
    program = RUN[language][0]
    if not shutil.which("curl" if language == "curl" else program):
        pytest.skip(f"needs {program}")
    path = folder / f"program{SUFFIXES[language]}"
    path.write_text(text)
    return subprocess.run(
        [*RUN[language], str(path), *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=folder,
        env=os.environ | {"HEED_KEY": key, "HEED_PAUSE": "0"},
        timeout=60,
    )
