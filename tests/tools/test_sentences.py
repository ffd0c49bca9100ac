from pathlib import Path

from tools.sentences import sentences


def found(source: str) -> list[tuple[int, str]]:
    return [(each.line, each.text) for each in sentences(Path("words.py"), source)]


def test_what_a_function_returns_is_a_hint() -> None:
    source = 'def say(many: int) -> str:\n    """Say how many there are."""\n    return f"There are {many} of them."\n'
    assert found(source) == [(3, "There are {} of them.")]


def test_marks_logs_errors_and_statements_are_none() -> None:
    assert not found('said = _("There are none of them.")')
    assert not found('log.info("There are none of them.")')
    assert not found('raise ValueError("There are none of them.")')
    assert not found('STATEMENT = "SELECT id of every row"')
    assert found('messages.info(request, "There are none of them.")')
