"""tools/bootstrap.py: finds a Python that is new enough and really works."""

import sys
from pathlib import Path

import pytest

from tools import bootstrap


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a path of its own and no Python on it yet; the running one is too old."""
    for name in ("HOME", "PYENV_ROOT", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "UV_VENV", str(tmp_path / "uv"))
    monkeypatch.setattr(sys, "executable", make(tmp_path / "old", "exit 3"))
    return tmp_path


def make(path: Path, script: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def working(path: Path, version: str) -> str:
    return make(path, f"echo {version}; echo {path}")


class TestFindingAPython:
    def test_a_shim_that_fails_is_passed_over(self, pythons: Path) -> None:
        make(pythons / "python3.13", "echo 'pyenv: command not found' >&2; exit 127")
        good = working(pythons / "python3.12", "3.12")

        assert list(bootstrap.usable([])) == [(good, "3.12")]

    def test_one_in_the_folder_of_pyenv_is_found_the_newest_first(self, pythons: Path) -> None:
        versions = pythons / "PYENV_ROOT" / "versions"
        older = working(versions / "3.12.9" / "bin" / "python3.12", "3.12")
        newer = working(versions / "3.12.10" / "bin" / "python3.12", "3.12")
        newest = working(versions / "3.13.0" / "bin" / "python3.13", "3.13")

        found = [path for path, _ in bootstrap.usable([])]

        assert found == [newest, newer, older]

    def test_one_without_its_venv_module_is_only_noted(self, pythons: Path) -> None:
        make(pythons / "python3.12", "echo 3.12; exit 1")
        incomplete: list[str] = []

        assert list(bootstrap.usable(incomplete)) == []
        assert incomplete == ["3.12"]

    def test_where_nothing_helps_it_says_what_to_install(
        self, pythons: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "VENV", str(pythons / "venv"))
        monkeypatch.setattr(sys, "argv", ["bootstrap.py"])
        monkeypatch.setattr(bootstrap, "find_uv", lambda: None)

        assert bootstrap.main() == 2
        assert "apt install python3" in capsys.readouterr().out


class TestAnEnvironmentThatIsALink:
    def test_what_it_leads_to_is_left_alone(
        self, pythons: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs = Path(working(pythons / "theirs" / "bin" / "python", "3.13"))
        (pythons / "venv").symlink_to(pythons / "theirs")
        working(pythons / "python3.13", "3.13")
        monkeypatch.setattr(bootstrap, "VENV", str(pythons / "venv"))
        monkeypatch.setattr(sys, "argv", ["bootstrap.py"])

        assert bootstrap.main() == 2
        assert theirs.exists()
        assert "is a link" in capsys.readouterr().out
