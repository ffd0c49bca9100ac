import os
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from django.conf import settings as configured
from django.utils import translation
from django.utils.formats import date_format

from lists.choices import Language
from lists.lookup import ListSnapshot, snapshot
from optout.languages import Reading, choose_language
from tests.make import make_list, make_realm
from tests.pages import BROWSER, PublicClient, parse


def test_settings_name_the_same_languages() -> None:
    assert Language.choices == configured.LANGUAGES


def test_a_default_that_heed_does_not_speak_is_refused_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env={**os.environ, "DEFAULT_LANGUAGE": "fr-ca"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "DEFAULT_LANGUAGE must be one of ar, da, de, en, " in done.stderr


class TestHeader:
    @pytest.mark.parametrize(
        ("header", "code"),
        [
            ("fr", "fr"),
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("en;q=0.5,tr;q=0.9", "tr"),
            # a variant, and the one variant that there is
            ("pt", "pt-br"),
            ("pt-PT,en;q=0.5", "pt-br"),
            ("PT-br", "pt-br"),
            ("es-419", "es"),
            ("ar-EG", "ar"),
            # old devices
            ("iw", "he"),
            ("iw-IL,en;q=0.8", "he"),
            # not ours: the next one that they read, not the one that resembles it most
            ("nb-NO,nb;q=0.9,no;q=0.8,nn;q=0.7,en-US;q=0.6", "en"),
            ("zh-CN,zh;q=0.9,nl;q=0.1", "nl"),
            ("zh-Hant-TW,da", "da"),
            # nothing that we have, or nothing at all
            ("zh-CN,zh;q=0.9", "en"),
            ("*", "en"),
            ("", "en"),
            # refused
            ("de;q=0,fr;q=0.1", "fr"),
            ("de;q=0", "en"),
            # not to be read
            ("de;q=1.5", "en"),
            ("fr_CA", "en"),
            ("dé", "en"),
            (f"{'zh,' * 120}de", "en"),
            (f"it,{'zh,' * 120}de", "it"),
        ],
    )
    def test_the_first_of_ours_is_taken(self, header: str, code: str) -> None:
        assert choose_language("", header) == Reading(code)

    def test_without_one_it_is_the_installations(self, settings: Any) -> None:
        settings.LANGUAGE_CODE = "pl"
        assert choose_language("", "zh").code == "pl"
        assert choose_language("", "*;q=0.5,pl;q=0").code == "en"


@pytest.mark.django_db
class TestList:
    def find(self, **fields: Any) -> ListSnapshot:
        return snapshot(make_list(make_realm(), **fields))

    def test_its_default_comes_after_the_browser(self) -> None:
        dutch = self.find(default_language="nl")
        assert choose_language("", "sv", dutch).code == "sv"
        assert choose_language("", "zh", dutch).code == "nl"
        assert choose_language("", "zh,nl;q=0", dutch).code == "en"

    def test_its_lock_comes_before_the_browser_and_after_the_choice(self) -> None:
        locked = self.find(locked_language="he", default_language="de")
        assert choose_language("", "fr", locked) == Reading("he")
        assert choose_language("fr", "", locked) == Reading("fr", chosen=True)


class TestChoice:
    @pytest.mark.parametrize(("chosen", "code"), [("da", "da"), ("pt", "pt-br"), ("IW", "he")])
    def test_it_wins(self, chosen: str, code: str) -> None:
        assert choose_language(chosen, "de") == Reading(code, chosen=True)

    @pytest.mark.parametrize("chosen", ["", "zh", "../de", "de\n", "ده", "d" * 99])
    def test_one_that_is_none_of_ours_is_none(self, chosen: str) -> None:
        assert choose_language(chosen, "de") == Reading("de")


@pytest.mark.parametrize("code", Language.values)
def test_direction(code: str) -> None:
    assert Reading(code).direction == ("rtl" if code in ("ar", "he") else "ltr")


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("en", "2 November 2025"),
        ("de", "2. November 2025"),
        ("es", "2 de noviembre de 2025"),
        ("pl", "2 listopada 2025"),
        ("tr", "2 Kasım 2025"),
        ("ar", "2 نوفمبر 2025"),
        ("he", "2 בנובמבר 2025"),
    ],
)
def test_a_day_is_written_as_in_a_sentence(code: str, written: str) -> None:
    with translation.override(code):
        assert date_format(date(2025, 11, 2), "DATE_FORMAT") == written


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/o/x", "/u/x", "/s/x", "/p/x", "/j/x", "/u/x/done"])
def test_a_broken_link_speaks_the_language_that_was_chosen(path: str) -> None:
    page = PublicClient(headers={**BROWSER, "accept-language": "de"}).get(f"{path}?lang=he")

    assert page.status_code == 404
    assert parse(page.content.decode()).lang == "he"
