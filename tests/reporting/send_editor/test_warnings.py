import pytest

from reporting.send_editor.warnings import placeholder_warnings

LINK = "For the opt-out link write {optout}."


class TestPlaceholderWarnings:
    @pytest.mark.parametrize(
        "written",
        [
            "{optot}",
            "{optuot}",
            "{opout}",
            "{optouts}",
            "{unsubscribe}",
            "{OptOutLink}",
            "[optout]",
            "(optout)",
            "<optout>",
            "{optout]",
        ],
    )
    def test_one_that_is_nearly_ours(self, written: str) -> None:
        assert placeholder_warnings(f"Sale! {written} Bye", is_to_list=True) == [
            f"“{written}” goes out as it stands. {LINK}"
        ]

    @pytest.mark.parametrize("written", ["{name}", "{first name}", "{offer}", "{1}"])
    def test_another_one(self, written: str) -> None:
        assert placeholder_warnings(f"Hi {written}!", is_to_list=True) == [
            f"“{written}” goes out as it stands. {{optout}} is the only placeholder."
        ]

    def test_beside_a_right_one_each_once_and_the_first_few(self) -> None:
        text = "{optout} {a} {a} {b} {c} {d}"
        assert [each[1:4] for each in placeholder_warnings(text, is_to_list=True)] == [
            "{a}",
            "{b}",
            "{c}",
        ]

    def test_to_a_single_number_no_link_is_suggested(self) -> None:
        assert placeholder_warnings("Hi {optot}", is_to_list=False) == [
            "“{optot}” goes out as it stands."
        ]

    @pytest.mark.parametrize(
        "text",
        ["Sale! {optout}", "Bye :-} {-:", "{}", "Opt out (optional): x", "Opt out) {optout}"],
    )
    def test_what_is_none(self, text: str) -> None:
        assert placeholder_warnings(text, is_to_list=True) == []
