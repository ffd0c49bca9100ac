"""What the documents say is compared with what is there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def settings_read() -> set[str]:
    """Every NAME in an `env.kind("NAME", …)` of the settings."""
    tree = ast.parse((ROOT / "config" / "settings.py").read_text())
    return {
        str(node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and isinstance(node.args[0], ast.Constant)
    }


def settings_explained() -> dict[str, list[str]]:
    """The rows of the README's table of settings: name → default, unit, reason."""
    section = README.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = (line.strip("| ").split(" | ") for line in section.splitlines() if "| `" in line)
    return {cells[0].strip("`"): cells[1:] for cells in rows if cells[0].startswith("`")}


class TestSettings:
    def test_each_has_a_row_in_the_readme(self) -> None:
        assert settings_read()
        assert settings_read() - settings_explained().keys() == set()

    def test_each_row_is_about_a_setting(self) -> None:
        assert settings_explained().keys() - settings_read() == set()

    def test_each_row_says_default_unit_and_reason(self) -> None:
        for name, cells in settings_explained().items():
            assert len(cells) == 3, name
            assert all(cell.strip() for cell in cells), name


def links(document: Path) -> Iterator[tuple[str, str]]:
    """(path, heading) of each relative link in a document."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" not in target:
            path, _, heading = target.partition("#")
            yield path, heading


def headings(document: Path) -> set[str]:
    found = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


@cache
def names_in(path: Path) -> set[str]:
    """`Class::test` and `test` of every test in a file."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            inner = (each.name for each in node.body if isinstance(each, ast.FunctionDef))
            found.update(f"{node.name}::{name}" for name in inner)
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
class TestDocument:
    def test_its_links_lead_somewhere(self, document: Path) -> None:
        for path, heading in links(document):
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), path
            if heading:
                assert heading in headings(target), f"{path}#{heading}"

    def test_the_tests_that_it_names_exist(self, document: Path) -> None:
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", document.read_text()):
            assert (ROOT / path).is_file(), path
            assert name in names_in(ROOT / path), f"{path}::{name}"

    def test_the_files_that_it_names_exist(self, document: Path) -> None:
        pattern = r"`((?:config|lists|optout|reporting|tests|tools|docs)/[\w/.-]+\.\w+)`"
        for path in re.findall(pattern, document.read_text()):
            assert (ROOT / path).is_file(), path
