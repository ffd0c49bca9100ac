"""Sentences in the code that nobody marked, as a hint: `python -m tools.sentences [paths]`.

tools/unmarked.py knows what is handed to a form, a message or an error. What a function returns, or a table holds, may be shown
on a screen as well, or be for a log, a command or a script: only people can tell. So this is no part of `make check`.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.unmarked import MARKS, ROOT, Finding, called, sources

# What is handed to these is for whoever runs Heed.
_ERRORS = "AssertionError|CommandError|Error|ImproperlyConfigured|RuntimeError|TypeError|ValueError|Warning"
_LOGS = "critical|debug|error|exception|info|warning"
_OTHERS = frozenset(f"{_ERRORS}|{_LOGS}".split("|"))
_SENTENCE = re.compile(r"[A-Z{“][^<]*[A-Za-z]{2,} [a-z{]{2,}[^<]*", re.DOTALL)
_STATEMENT = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|FROM|WITH|WHERE|CREATE|LOCK|SET) ")


def sentences(path: Path, source: str) -> Iterator[Finding]:
    """The literals of a module that read like a sentence or a label of several words, outside marks, logs and docstrings."""
    tree = ast.parse(source)
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(id(node.value))  # a docstring
        elif isinstance(node, ast.Call) and (called(node) in MARKS or _is_for_others(node)):
            passed |= {id(each) for each in ast.walk(node)}
        elif isinstance(node, ast.JoinedStr):
            passed |= {id(each) for each in node.values}
        if id(node) in passed or not isinstance(node, ast.expr):
            continue
        text = _text(node)
        if _SENTENCE.fullmatch(text) and not _STATEMENT.match(text):
            yield Finding(path, node.lineno, "sentence", text)


def _is_for_others(node: ast.Call) -> bool:
    is_message = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "messages"
    return called(node) in _OTHERS and not is_message


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def main(arguments: list[str]) -> int:
    """Print them all, or those of the paths."""
    asked = [(ROOT / each).resolve() for each in arguments]
    for path in sources():
        if path.suffix == ".py" and (
            not asked or any(path == each or each in path.parents for each in asked)
        ):
            for finding in sentences(path, path.read_text()):
                print(finding)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
