"""`make messages`, and the line "translations" of `make check`: on small catalogs of their own."""

from gettext import GNUTranslations, c2py
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import translation

from lists.choices import Language
from tools.catalogs import (
    LANGUAGES,
    Marked,
    collect,
    merge,
    mo_bytes,
    place_of,
    po_bytes,
    read_catalog,
    readers_of,
)
from tools.messages import main
from tools.translations import check, faults_of

STOP = Marked("optout/page.py", 7, None, ("Stop <bdi>%(list)s</bdi>",), ())
DAYS = Marked("optout/page.py", 9, None, ("%(count)d day", "%(count)d days"), ())
MARKED = [STOP, DAYS]


@pytest.fixture
def locale(tmp_path: Path) -> Path:
    """Polish, whole: two texts in three plural forms."""
    catalog = merge("pl", read_catalog("pl", tmp_path), MARKED)
    catalog[STOP.texts[0]].string = "Wypisz z <bdi>%(list)s</bdi>"
    catalog[DAYS.texts[0]].string = ("jeden dzień", "%(count)d dni", "%(count)d dni")
    place = place_of("pl", tmp_path)
    place.parent.mkdir(parents=True)
    place.with_suffix(".po").write_bytes(po_bytes(catalog))
    place.with_suffix(".mo").write_bytes(mo_bytes("pl", catalog))
    return tmp_path


def faults(locale: Path, marked: list[Marked] | None = None) -> list[str]:
    return [str(each) for each in check(["pl"], locale, MARKED if marked is None else marked)]


def change(locale: Path, old: str, new: str) -> None:
    """Change the .po and compile it, so that only this is wrong."""
    path = place_of("pl", locale).with_suffix(".po")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    path.with_suffix(".mo").write_bytes(mo_bytes("pl", read_catalog("pl", locale)))


class TestLanguages:
    def test_each_that_recipients_are_served_in_has_a_catalog(self) -> None:
        assert {*LANGUAGES, "en"} == set(Language.values)
        for code, shape in LANGUAGES.items():
            assert translation.to_locale(code) == shape.folder

    @pytest.mark.parametrize("code", LANGUAGES)
    def test_its_plural_rule_takes_every_form(self, code: str) -> None:
        rule = c2py(LANGUAGES[code].plural)
        assert {rule(number) for number in range(1_000)} == set(range(LANGUAGES[code].forms))


class TestCollecting:
    def test_texts_of_code_and_templates_are_found(self, tmp_path: Path) -> None:
        (tmp_path / "optout").mkdir()
        code, page = tmp_path / "optout" / "words.py", tmp_path / "optout" / "page.html"
        code.write_text(
            'a = _("One")\nb = ngettext("%(n)d day", "%(n)d days", n)\nc = ngettext("One", many, n)\n'
        )
        page.write_text(
            '<p>\n  {% translate "Two" %}</p>{{ _("Three") }}\n'
            "{% blocktranslate with x=a|upper %}Four <b>{{ x }}</b>{% endblocktranslate %}"
            "{% blocktranslate count n=n %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}"
        )
        assert [(each.line, each.texts) for each in collect([code, page], tmp_path)] == [
            (1, ("One",)),
            (2, ("%(n)d day", "%(n)d days")),
            (2, ("Two",)),
            (2, ("Three",)),
            (3, ("Four <b>%(x)s</b>",)),
            (3, ("%(n)s day", "%(n)s days")),
        ]

    @pytest.mark.parametrize(
        ("path", "readers"),
        [
            ("optout/screens.py", "recipients"),
            ("optout/channels/page.py", "recipients"),
            ("optout/choices.py", "portal"),
            ("optout/models/optouts.py", "portal"),
            ("optout/channels/rest/door.py", "portal"),
            ("templates/optout/page/form.html", "recipients"),
            ("templates/base_public.html", "recipients"),
            ("templates/404.html", "recipients"),
            ("templates/base.html", "portal"),
            ("templates/reporting/lists.html", "portal"),
            ("lists/forms.py", "portal"),
        ],
    )
    def test_a_path_says_who_reads_it(self, path: str, readers: str) -> None:
        assert readers_of(path) == readers

    def test_what_is_translated_stays_and_what_is_gone_goes(self, locale: Path) -> None:
        new = Marked("optout/page.py", 3, None, ("Continue",), ())
        made = merge("pl", read_catalog("pl", locale), [STOP, new])
        assert {each.id: each.string or "" for each in made if each.id} == {
            STOP.texts[0]: "Wypisz z <bdi>%(list)s</bdi>",
            "Continue": "",
        }

    def test_what_has_another_plural_is_translated_anew(self, locale: Path) -> None:
        now = DAYS._replace(texts=("%(count)d day", "%(count)d or more days"))
        made = merge("pl", read_catalog("pl", locale), [now])
        assert made[DAYS.texts[0]].string == ("", "")

    def test_a_guess_stays_one_and_is_not_compiled(self, locale: Path) -> None:
        change(locale, 'msgid "Stop', '#, fuzzy\nmsgid "Stop')
        made = merge("pl", read_catalog("pl", locale), MARKED)
        assert made[STOP.texts[0]].fuzzy and not made[DAYS.texts[0]].fuzzy
        read = GNUTranslations(BytesIO(mo_bytes("pl", made)))
        assert read.gettext(STOP.texts[0]) == STOP.texts[0]
        assert read.ngettext(DAYS.texts[0], DAYS.texts[1], 1) == "jeden dzień"

    def test_the_portals_texts_are_for_whoever_wants_them(self, tmp_path: Path) -> None:
        assert main(["--portal", "de", "--into", str(tmp_path)]) == 0

        texts = {each.id for each in read_catalog("de", tmp_path)}
        assert "Realm admin" in texts and "You are unsubscribed" not in texts
        assert place_of("de", tmp_path).with_suffix(".mo").exists()

    def test_nothing_else_is_written_elsewhere(self, tmp_path: Path) -> None:
        for arguments in (["de", "--into", str(tmp_path)], ["--portal"], ["xx"]):
            with pytest.raises(SystemExit):
                main(arguments)
        assert not list(tmp_path.iterdir())


class TestChecking:
    def test_a_whole_catalog_is_fine(self, locale: Path) -> None:
        assert faults(locale) == []

    def test_a_new_text_is_missing(self, locale: Path) -> None:
        new = Marked("optout/page.py", 3, None, ("Continue",), ())
        assert "optout/page.py:3: pl: not translated: Continue" in faults(locale, [*MARKED, new])

    def test_so_is_an_empty_one(self, locale: Path) -> None:
        change(locale, "Wypisz z <bdi>%(list)s</bdi>", "")
        assert faults(locale) == [f"optout/page.py:7: pl: not translated: {STOP.texts[0]}"]

    def test_and_one_that_has_a_plural_now(self, locale: Path) -> None:
        now = DAYS._replace(texts=("%(count)d day", "%(count)d or more days"))
        assert any("9: pl: not translated" in each for each in faults(locale, [STOP, now]))

    def test_and_a_whole_language(self, locale: Path) -> None:
        place_of("pl", locale).with_suffix(".po").unlink()
        assert any("not translated" in each for each in faults(locale))

    def test_a_text_that_is_marked_nowhere_is_stale(self, locale: Path) -> None:
        (fault,) = faults(locale, [STOP])
        assert "django.po:12: pl: marked nowhere any more: %(count)d day" in fault

    def test_one_that_was_put_aside_is_too(self, locale: Path) -> None:
        change(locale, 'msgid "Stop', '#~ msgid "Gone"\n#~ msgstr "Nie ma"\n\nmsgid "Stop')
        assert any("marked nowhere any more: Gone" in each for each in faults(locale))

    def test_a_guess_is_found(self, locale: Path) -> None:
        change(locale, 'msgid "Stop', '#, fuzzy\nmsgid "Stop')
        assert any("fuzzy" in each for each in faults(locale))

    def test_another_plural_rule_is_found(self, locale: Path) -> None:
        change(
            locale,
            "Plural-Forms: nplurals=3; plural=(n==1 ?",
            "Plural-Forms: nplurals=3; plural=(n<=1 ?",
        )
        assert any("header must say Plural-Forms" in each for each in faults(locale))

    def test_a_plural_form_too_few_is_found(self, locale: Path) -> None:
        change(locale, 'msgstr[2] "%(count)d dni"\n', "")
        assert any("3 plural forms are needed" in each for each in faults(locale))

    def test_a_compiled_catalog_of_another_day_is_found(self, locale: Path) -> None:
        path = place_of("pl", locale).with_suffix(".po")
        path.write_text(path.read_text().replace("Wypisz z", "Wypisz się z"))
        (fault,) = faults(locale)
        assert "django.mo:1: pl: is not what the .po compiles to" in fault

    def test_so_is_none(self, locale: Path) -> None:
        place_of("pl", locale).with_suffix(".mo").unlink()
        assert any("is not what the .po compiles to" in each for each in faults(locale))

    def test_a_text_that_stands_twice_is_found(self, locale: Path) -> None:
        change(
            locale,
            'msgid "Stop',
            'msgid "Stop <bdi>%(list)s</bdi>"\nmsgstr "Inaczej <bdi>%(list)s</bdi>"\n\nmsgid "Stop',
        )
        assert any("not as make messages writes it" in each for each in faults(locale))

    def test_a_file_that_is_no_catalog_is_named(self, locale: Path) -> None:
        place_of("pl", locale).with_suffix(".po").write_text('msgid "Stop\n')
        (fault,) = faults(locale)
        assert "django.po:1: pl: cannot be read" in fault


class TestOneText:
    @pytest.mark.parametrize(
        ("english", "text"),
        [
            ("Stop %(list)s", "Wypisz z %(lista)s"),
            ("Stop %(list)s", "Wypisz"),
            ("%(count)d days", "%(count)s dni"),
            ("Stop {list}", "Wypisz z {lista}"),
            ("Stop {list}", "Wypisz z {list} {list}"),
            ("Stop %(list)s", "Wypisz 100 % z %(list)s"),
            ("Stop <bdi>%(list)s</bdi>", "Wypisz z %(list)s"),
            ("Stop <b>this</b>", "Wypisz <i>to</i>"),
            ('<a href="/u/">Stop</a>', '<a href="/o/">Wypisz</a>'),
            ("Stop <b>this</b>", "Wypisz </b>to<b>"),
            ("Stop", "Wypisz&nbsp;się"),
            ("Stop", "Wypisz > wszystko"),
            ("Stop ", "Wypisz"),
            ("Stop", "Wypisz\n"),
            ("Stop all", "Stop all"),
            ("Stop “all”", 'Wypisz "wszystko"'),
            ("Stop “all”", "Wypisz «wszystko»"),
        ],
    )
    def test_what_does_not_fit_the_english_is_found(self, english: str, text: str) -> None:
        assert list(faults_of((english,), text, "pl"))

    @pytest.mark.parametrize(
        ("english", "text"),
        [
            ("Stop <bdi>%(list)s</bdi> of %(day)s", "%(day)s: <bdi>%(list)s</bdi>"),
            ("100 % of {list}", "{list}, 100 %"),
            ("<b>%(sender)s</b>", "<b>%(sender)s</b>"),
            ("Stop “all”<br>now", "Teraz:<br>wypisz „wszystko”"),
            ("It’s done", "C’est fait"),
        ],
    )
    def test_what_fits_is_not(self, english: str, text: str) -> None:
        assert list(faults_of((english,), text, "pl")) == []

    def test_only_the_form_of_one_number_may_leave_it_out(self, locale: Path) -> None:
        change(locale, 'msgstr[1] "%(count)d dni"', 'msgstr[1] "kilka dni"')
        assert any("%(count)d stands 0 times" in each for each in faults(locale))
