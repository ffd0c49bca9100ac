import re

import pytest
from django.conf import settings

from optout.styles import style_of

PAGES = sorted(path.name for path in (settings.BASE_DIR / "templates/optout/page").glob("*.html"))


class TestStyle:
    def test_a_page_is_sent_only_what_it_has_a_use_for(self) -> None:
        form, done = style_of("optout/page/form.html"), style_of("optout/page/done.html")

        assert ".check{" in form and ".hp{" in form and ".tick" not in form
        assert ".tick{" in done and ".undo" in done and ".check" not in done

    def test_of_several_selectors_the_needed_ones_stay(self) -> None:
        assert ".undo,footer{" in style_of("optout/page/done.html")
        assert "}footer{display:flex" in style_of("optout/page/form.html")

    def test_what_a_page_happens_not_to_have_is_left_out(self) -> None:
        assert ".logo{" in style_of("optout/page/form.html")
        assert ".logo{" not in style_of("optout/page/form.html", frozenset({"logo"}))

    def test_no_two_colours_have_the_same_letter(self) -> None:
        """Only the first of their names is sent."""
        sheet = (settings.BASE_DIR / "templates/optout/page/page.css").read_text()
        names = set(re.findall(r"--(\w+)", sheet.partition("*/")[2]))

        assert len({name[0] for name in names}) == len(names)

    def test_a_colour_that_nothing_has_is_not_sent(self) -> None:
        assert "--w:" in style_of("optout/page/form.html")
        assert "--w:" not in style_of("optout/page/broken.html")

    def test_what_an_element_must_not_have_is_no_reason_to_leave_it_out(self) -> None:
        assert "button:not(.quiet){" in style_of("optout/page/form.html")

    @pytest.mark.parametrize("name", PAGES)
    def test_every_one_is_whole(self, name: str) -> None:
        css = style_of(f"optout/page/{name}")

        assert css.count("{") == css.count("}")
        assert not re.search(r"/\*|,\{|\{\}|[{};],|\n", css)
        assert css.startswith(":root{color-scheme:light dark;")
