"""tools/test.py: which files the second run of the whole suite needs."""

from tools.test import files_with


def test_files_are_found_by_the_marks_in_them() -> None:
    alone, browser = files_with(["alone"]), files_with(["browser"])

    assert "tests/reporting/test_feed.py" in alone
    assert "tests/browser/test_opt_out.py" in browser
    assert set(files_with(["browser", "alone"])) == {*alone, *browser}
    assert "tests/lists/test_access.py" not in {*alone, *browser}
