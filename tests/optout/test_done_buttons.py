"""What may be pressed on a done page, the list's own and the global one: anything else changes nothing (AT-02, AT-35-43)."""

import re
from datetime import timedelta
from typing import Any
from zlib import crc32

import pytest
import time_machine
from django.utils import timezone

from lists.choices import Language
from lists.models import List, Realm
from optout.choices import Kind
from optout.models import OptOut, StatedReason, Suppression
from optout.tokens import UNDO_WITHIN
from tests import make
from tests.optout.channels.global_unsubscribe.forms import submit
from tests.optout.test_pages import BRAND
from tests.pages import ONE_CLICK, URLENCODED, PublicClient, parse

JANE = "jane@example.com"
OTHER, ONCE = (f"{crc32(each.encode()):x}" for each in ("other", "only_once"))
PARTS = 'multipart/form-data; boundary="b"'


def part(name: str, value: str = "") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


@pytest.fixture(params=["list", "global"])
def done(request: pytest.FixtureRequest, realm: Realm, optout_list: List) -> str:
    """The address of a done page, of each kind."""
    client, path = PublicClient(), f"/u/{optout_list.public_id}"
    if request.param == "global":
        make.make_global_unsubscribe(realm)
        return str(submit({"email": JANE}).headers["Location"])
    return str(client.press(client.get(path), path, item=JANE).headers["Location"])


def heading(page: Any) -> str:
    return str(page.content.decode().partition("<h1>")[2].partition("</h1>")[0])


def is_untouched() -> bool:
    rows = OptOut.objects.filter(kind=Kind.LIFT).exists() or StatedReason.objects.exists()
    return Suppression.objects.exists() and not rows


@pytest.mark.django_db
class TestPressing:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ("", URLENCODED),
            ("undo=", URLENCODED),
            ("undo", URLENCODED),
            (part("undo") + "--b--", PARTS),
        ],
    )
    def test_undo_is_its_own_field_or_nothing_at_all(
        self, done: str, body: str, content_type: str
    ) -> None:
        page = PublicClient().post(done, body, content_type=content_type)

        assert page.status_code == 303
        assert not Suppression.objects.exists()

    def test_its_button_sends_that_field(self, done: str) -> None:
        assert '<button class="quiet" name="undo">' in PublicClient().get(done).content.decode()

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            ('{"reason": "other"}', "application/json"),
            (ONE_CLICK, URLENCODED),
            ("x=1", URLENCODED),
            ("&", URLENCODED),
            ("undo=1", URLENCODED),
            ("undo=&x=1", URLENCODED),
            (f"undo=&reason={OTHER}", URLENCODED),
            (f"Reason={OTHER}", URLENCODED),
            (f"reason={OTHER}&reason={ONCE}", URLENCODED),
            ("&".join(f"a{n}=1" for n in range(120)) + f"&reason={OTHER}", URLENCODED),
            ("undo&" * 120, URLENCODED),
            (part("reason", OTHER) + part("reason", ONCE) + "--b--", PARTS),
            ("x--b--", PARTS),
        ],
    )
    def test_anything_else_changes_nothing(self, done: str, body: str, content_type: str) -> None:
        page = PublicClient().post(done, body, content_type=content_type)

        assert page.status_code == 400 and is_untouched()
        assert "unsubscribed" in heading(page)
        assert "Please press the button once more." in parse(page.content.decode()).text

    @pytest.mark.parametrize("body", ["", "undo=", f"reason={OTHER}", "lang=de"])
    @pytest.mark.parametrize(
        "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
    )
    def test_nor_does_what_another_site_sends(
        self, done: str, body: str, headers: dict[str, str]
    ) -> None:
        page = PublicClient().send(done, body, headers=headers)

        assert page.status_code == 403 and is_untouched()
        assert b'class="tick"' in page.content

    def test_after_undo_it_says_what_is_so_now(self, done: str) -> None:
        PublicClient().send(done)

        page = PublicClient().send(done, "x=1")

        assert page.status_code == 400 and heading(page) == "Your request was taken back"

    def test_a_refused_one_leads_nobody_away(self, optout_list: List) -> None:
        List.objects.update(redirect_url="https://www.acme.example/bye")
        client, path = PublicClient(), f"/u/{optout_list.public_id}"
        done = client.press(client.get(path), path, item=JANE).headers["Location"]
        assert "Refresh" in client.get(done).headers

        assert "Refresh" not in client.send(done, "x=1").headers


@pytest.mark.django_db
class TestLanguages:
    @pytest.mark.parametrize("address", [JANE, "jane.doe@gmial.com"])
    def test_there_is_room_for_them_in_every_language(self, realm: Realm, address: str) -> None:
        """Of a brand with ordinary names, with reasons, and with help for a typo; the client measures each page."""
        optout_list = make.make_list(realm, 2, **BRAND)
        client, path = PublicClient(), f"/u/{optout_list.public_id}"
        done = client.press(client.get(path), path, item=address, scope="sender").headers[
            "Location"
        ]
        for code in Language.values:
            document = parse(client.get(f"{done}&lang={code}").content.decode())

            assert len(document.languages) == 12, code

    @pytest.mark.parametrize("is_undone", [False, True])
    def test_the_footer_has_a_button_for_each_and_no_token(
        self, done: str, is_undone: bool
    ) -> None:
        if is_undone:
            PublicClient().send(done)
        page = PublicClient().get(done)

        assert parse(page.content.decode()).languages == [
            each for each in Language.values if each != "en"
        ]
        token = done.partition("t=")[2].partition("%3A")[0]
        assert token not in page.content.decode()

    def test_it_leads_to_the_same_page_in_that_language_and_writes_nothing(self, done: str) -> None:
        response = PublicClient().send(f"{done}&lang=fr", {"lang": "de"})
        page = PublicClient().get(response.headers["Location"])

        assert response.status_code == 303 and is_untouched()
        assert page.headers["Content-Language"] == "de"
        assert response.headers["Location"].count("lang=") == 1
        tokens = re.findall(r"t=[^&]+", done)
        assert tokens == re.findall(r"t=[^&]+", response.headers["Location"])

    def test_also_when_there_is_no_undo_any_more(self, done: str) -> None:
        with time_machine.travel(timezone.now() + UNDO_WITHIN + timedelta(seconds=1)):
            response = PublicClient().send(done, {"lang": "de"})
            page = PublicClient().get(response.headers["Location"])

        assert page.headers["Content-Language"] == "de" and is_untouched()

    def test_what_nobody_speaks_changes_nothing(self, done: str) -> None:
        response = PublicClient().send(done, {"lang": "tlh"})

        assert "lang=" not in response.headers["Location"] and is_untouched()
