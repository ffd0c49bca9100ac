"""See what we send you (S2.2): the form that asks for the link to one's preference page."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from lists.choices import Accepts
from lists.models import List, Realm
from optout.choices import MailKind, Reason
from optout.models import LimitCounter, OptOut, RecipientMail
from tests import make
from tests.optout.channels.cases import comparable, comparable_headers
from tests.pages import PublicClient, form_fields, parse

JANE = "jane@example.com"
ONCE_MORE = "Please press the button once more."


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(make.NOW, tick=False) as clock:
        yield clock


def path_of(optout_list: List) -> str:
    return f"/p/{optout_list.public_id}"


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def submit(
    optout_list: List, clock: Any, email: str = JANE, seconds: int = 2, **fields: str
) -> Any:
    """Fill in the form and press its button some seconds later."""
    client, path = PublicClient(), path_of(optout_list)
    page = client.get(path)
    clock.shift(timedelta(seconds=seconds))
    return client.press(page, path, email=email, **fields)


@pytest.mark.django_db
class TestAsking:
    def test_its_button_asks_for_the_link_by_mail(self, optout_list: List, clock: Any) -> None:
        response = submit(optout_list, clock, lang="de")

        expected = path_of(optout_list) + "/sent?lang=de"
        assert (response.status_code, response.headers["Location"]) == (303, expected)
        mail = RecipientMail.objects.get()
        assert (mail.kind, mail.address, mail.language) == (MailKind.PREFERENCES, JANE, "de")
        assert mail.wording == ""
        assert PublicClient().get(expected).status_code == 200

    def test_reading_it_changes_nothing(self, optout_list: List) -> None:
        for path in (path_of(optout_list), path_of(optout_list) + "/sent"):
            for client in (PublicClient(), PublicClient({"sec-purpose": "prefetch"})):
                assert client.get(path).status_code == client.head(path).status_code == 200
        assert "<bdi>Acme Garden</bdi>" in client.get(path_of(optout_list)).content.decode()
        assert not RecipientMail.objects.exists() and not LimitCounter.objects.exists()

    @pytest.mark.parametrize(
        "fields", [{"closed_at": make.NOW}, {"accepts": Accepts.PHONE}, {"join_is_open": False}]
    )
    def test_every_list_has_it_do_not_mail_too(
        self, realm: Realm, optout_list: List, clock: Any, fields: dict[str, Any]
    ) -> None:
        List.objects.update(**fields)

        assert submit(optout_list, clock).status_code == 303
        assert submit(make.do_not_mail(realm), clock).status_code == 303
        assert RecipientMail.objects.count() == 2

    def test_the_answer_is_the_same_for_every_address(
        self, realm: Realm, optout_list: List, clock: Any
    ) -> None:
        """AT-03."""
        fresh, known, is_out = (f"{name}@example.com" for name in ("fresh", "known", "isout"))
        make.make_contact(realm, known, optout_list)
        make.make_optout(make.do_not_mail(realm), is_out, reason=Reason.COMPLAINED)
        answers = [
            (comparable_headers(answer), comparable(answer, email))
            for email in (fresh, known, is_out)
            for answer in [submit(optout_list, clock, email)]
        ]

        assert answers[0] == answers[1] == answers[2]
        assert RecipientMail.objects.count() == 3 and OptOut.objects.count() == 1

    @pytest.mark.parametrize("email", ["", "nobody", "x" * 320, "\x00@example.com"])
    def test_a_bad_address_is_told(self, optout_list: List, clock: Any, email: str) -> None:
        page = submit(optout_list, clock, email)

        assert page.status_code == 400
        assert parse(page.content.decode()).links[0] == "#item"
        assert not RecipientMail.objects.exists()

    def test_an_unknown_list_is_a_broken_link(self, db: None) -> None:
        for path in ("/p/nosuchlist00", "/p/nosuchlist00/sent"):
            assert PublicClient().get(path).status_code == 404


@pytest.mark.django_db
class TestGuard:
    def test_without_our_token_it_is_shown_again(self, optout_list: List) -> None:
        """No owner has this form on a website."""
        page = PublicClient().send(path_of(optout_list), {"email": JANE})

        assert (page.status_code, form_fields(page)["email"]) == (400, JANE)
        assert not RecipientMail.objects.exists()

    @pytest.mark.parametrize(
        "headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}]
    )
    def test_another_site_cannot_send_it(
        self, optout_list: List, clock: Any, headers: dict[str, str]
    ) -> None:
        client, path = PublicClient(), path_of(optout_list)
        fields = {**form_fields(client.get(path)), "email": JANE}
        clock.shift(timedelta(seconds=2))

        page = client.send(path, fields, headers=headers)

        assert (page.status_code, form_fields(page)["email"]) == (403, JANE)
        assert not RecipientMail.objects.exists()

    @pytest.mark.parametrize(("seconds", "fields"), [(1, {}), (2, {"note": "x"})])
    def test_too_quick_or_trapped_is_one_more_tap(
        self, optout_list: List, clock: Any, seconds: int, fields: dict[str, str]
    ) -> None:
        page = submit(optout_list, clock, seconds=seconds, **fields)

        assert page.status_code == 200 and ONCE_MORE in text_of(page)
        assert "There is a problem" not in text_of(page)
        assert not RecipientMail.objects.exists()
        assert PublicClient().press(page, path_of(optout_list)).status_code == 303
        assert RecipientMail.objects.get().address == JANE

    def test_twenty_in_ten_minutes(self, optout_list: List, clock: Any) -> None:
        client, path = PublicClient(), path_of(optout_list)
        page = client.get(path)
        clock.shift(timedelta(seconds=2))

        answers = [client.press(page, path, email=f"p{n}@example.com") for n in range(21)]

        assert [each.status_code for each in answers] == [303] * 20 + [429]
        assert "We sent no mail." in text_of(answers[20])
