"""Joining a list (S2.2): the form, what it does not tell, and the link in the mail."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from lists.choices import Accepts
from lists.lookup import forget_all_lists
from lists.models import List, Realm, Subscription
from optout.choices import Channel, Kind, MailKind, MailState, Reason
from optout.links import JOIN, PREFERENCES, make_token
from optout.mail_requests import SEND_MAILS, claim_due, has_had_enough
from optout.models import Consent, LimitCounter, OptOut, RecipientMail, Suppression
from tests import make
from tests.optout.channels.cases import comparable, comparable_headers
from tests.optout.test_returning import join
from tests.pages import BROWSER, SERVER, PublicClient, form_fields, parse

JANE = "jane@example.com"
LABEL = "Yes, send me Garden letters. I can unsubscribe at any time."
ONCE_MORE = "Please press the button once more."
SCANNERS = [
    {},
    {"sec-purpose": "prefetch;prerender"},
    {"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"},
    {"user-agent": "curl/8.1", "accept": "*/*"},
    {"user-agent": ""},
]


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(make.NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def optout_list(realm: Realm) -> List:
    return make.make_list(realm, join_is_open=True)


def path_of(optout_list: List) -> str:
    return f"/j/{optout_list.public_id}"


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def heading(page: Any) -> str:
    html = page.content.decode().partition("<h1>")[2].partition("</h1>")[0]
    return html.replace("<bdi>", "").replace("</bdi>", "")


def submit(
    optout_list: List, email: str = JANE, clock: Any = None, seconds: int = 2, **fields: str
) -> Any:
    """Fill in our form and press its button some seconds later."""
    client, path = PublicClient(), path_of(optout_list)
    page = client.get(path)
    clock.shift(timedelta(seconds=seconds))
    return client.press(page, path, **{"email": email, "consent": "1", **fields})


def embedded(optout_list: List, email: str = JANE, **fields: str) -> Any:
    """The form on an owner's website."""
    fields = {"email": email, "consent": "yes", **fields}
    return PublicClient().send(
        path_of(optout_list),
        fields,
        headers={"sec-fetch-site": "cross-site", "origin": "https://acme.example"},
    )


def requests() -> list[str]:
    return list(RecipientMail.objects.order_by("id").values_list("address", flat=True))


@pytest.mark.django_db
class TestForm:
    def test_it_says_what_one_gets_and_changes_nothing(self, optout_list: List) -> None:
        texts = {"message": {"en": "Soil and sun."}, "frequency": {"de": "Einmal pro Woche"}}
        List.objects.update(description="About gardens", frequency="Once a week", own_texts=texts)

        page = PublicClient().get(path_of(optout_list))

        assert (page.status_code, heading(page)) == (200, "Get Garden letters")
        for text in ("About gardens", "Once a week", "Soil and sun.", LABEL):
            assert text in text_of(page)
        assert "consent" not in form_fields(page)  # the box is there, and not ticked
        assert b'name="consent"' in page.content
        german = PublicClient().get(path_of(optout_list) + "?lang=de")
        assert "Einmal pro Woche" in text_of(german)
        assert requests() == []

    def test_its_button_asks_for_a_mail_and_for_nothing_else(
        self, optout_list: List, clock: Any
    ) -> None:
        response = submit(optout_list, "Jane@EXAMPLE.com", clock)

        assert response.status_code == 303
        assert response.headers["Location"] == path_of(optout_list) + "/sent"
        mail = RecipientMail.objects.get()
        assert (mail.optout_list, mail.kind, mail.address) == (optout_list, MailKind.JOIN, JANE)
        assert (mail.wording, mail.language, mail.ip) == (LABEL, "en", "192.0.2.7")
        assert mail.agent.endswith("Firefox/140.0") and mail.state == MailState.WAITING
        assert mail.asked_at == mail.due_at == make.NOW + timedelta(seconds=2)
        assert not Subscription.objects.exists() and not OptOut.objects.exists()
        sent = PublicClient().get(response.headers["Location"])
        assert heading(sent) == "Check your inbox" and JANE not in text_of(sent)

    def test_the_worker_is_woken_for_it_at_once(
        self, optout_list: List, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            embedded(optout_list)

        assert ProcrastinateJob.objects.filter(task_name=f"reporting.{SEND_MAILS}").exists()

    def test_the_owners_words_are_agreed_to_as_they_were_read(
        self, optout_list: List, clock: Any
    ) -> None:
        List.objects.update(own_texts={"consent": {"de": "Ja, <gern>!"}, "name": {"de": "Briefe"}})

        response = submit(optout_list, clock=clock, lang="de")

        assert response.headers["Location"].endswith("/sent?lang=de")
        mail = RecipientMail.objects.get()
        assert (mail.wording, mail.language) == ("Ja, <gern>!", "de")
        page = PublicClient().get(path_of(optout_list) + "?lang=de")
        assert "Ja, &lt;gern&gt;!" in page.content.decode()
        assert "Briefe" in heading(page)

    @pytest.mark.parametrize("email", ["", "nobody", "+1 415 555 2671"])
    @pytest.mark.parametrize("accepts", ["email", "either"])
    def test_a_bad_address_is_told_and_all_is_kept(
        self, optout_list: List, clock: Any, email: str, accepts: str
    ) -> None:
        List.objects.update(accepts=accepts)

        page = submit(optout_list, email, clock)

        assert page.status_code == 400
        assert parse(page.content.decode()).links[0] == "#item"
        fields = form_fields(page)
        assert (fields["email"], fields["consent"]) == (email, "1")
        assert requests() == []

    def test_a_phone_number_gets_no_mail_though_the_list_takes_it(self, optout_list: List) -> None:
        List.objects.update(accepts="either")

        page = embedded(optout_list, "", item="+1 415 555 2671")

        assert page.status_code == 400 and requests() == []

    @pytest.mark.parametrize("consent", ["", "0", "off"])
    def test_without_the_tick_nothing_happens_and_the_address_is_kept(
        self, optout_list: List, clock: Any, consent: str
    ) -> None:
        page = submit(optout_list, clock=clock, consent=consent)

        assert page.status_code == 400
        assert "Tick the box if you want to get the messages." in text_of(page)
        assert parse(page.content.decode()).links[0] == "#box"
        assert form_fields(page)["email"] == JANE
        assert "consent" not in form_fields(page)
        assert requests() == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"join_is_open": False},
            {"closed_at": make.NOW},
            {"accepts": Accepts.PHONE},
        ],
    )
    def test_a_list_that_takes_nobody_in_says_so(
        self, optout_list: List, clock: Any, fields: dict[str, Any]
    ) -> None:
        before = PublicClient().get(path_of(optout_list))
        token = make_token(optout_list.pk, "1", JOIN)
        List.objects.update(**fields)
        forget_all_lists()
        clock.shift(timedelta(seconds=2))
        path = path_of(optout_list)
        for page in (
            PublicClient().get(path),
            PublicClient().press(before, path, email=JANE, consent="1"),
            embedded(optout_list),
            PublicClient().get(path + "/sent"),
            PublicClient().get(f"/j/{token}"),
        ):
            assert (page.status_code, heading(page)) == (404, "You cannot sign up here")
        assert requests() == []

    def test_do_not_mail_has_no_join_form(self, realm: Realm) -> None:
        List.objects.update(join_is_open=True)

        assert PublicClient().get(path_of(make.do_not_mail(realm))).status_code == 404

    @pytest.mark.parametrize(
        "path", ["/j/nosuchlist00", "/j/nosuchlist00/sent", "/j/x", "/j/x/done", "/j/%00", "/j/"]
    )
    def test_a_broken_link_is_told(self, db: None, path: str) -> None:
        page = PublicClient().get(path)
        assert (page.status_code, heading(page)) == (404, "This link does not work")
        assert "unsubscribe" not in text_of(page)
        assert PublicClient(SERVER).get(path).content == b"This link does not work."


@pytest.mark.django_db
class TestNothingIsTold:
    """AT-03."""

    def test_the_answer_and_its_statements_are_the_same_for_every_address(
        self, realm: Realm, optout_list: List, clock: Any
    ) -> None:
        names = ("fresh", "known", "isout", "isdnm", "block", "onlst")
        fresh, known, is_out, is_out_of_all, complained, on_list = (
            f"{name}@example.com" for name in names
        )
        make.make_contact(realm, known)
        make.make_contact(realm, on_list, optout_list)
        make.make_optout(optout_list, is_out)
        make.make_optout(make.do_not_mail(realm), is_out_of_all)
        make.make_optout(optout_list, complained, reason=Reason.COMPLAINED)
        submit(optout_list, "first@example.com", clock)
        answers = {}
        for address in (fresh, known, is_out, is_out_of_all, complained, on_list):
            client, path = PublicClient(), path_of(optout_list)
            page = client.get(path)
            clock.shift(timedelta(seconds=2))
            with CaptureQueriesContext(
                connection,
            ) as statements:
                answer = client.press(page, path, email=address, consent="1")
            sent = client.get(answer.headers["Location"])
            answers[address] = (
                answer.status_code,
                answer.headers["Location"],
                comparable_headers(answer),
                comparable(answer, address),
                comparable(sent, address),
                len(statements),
            )

        assert len(requests()) == 7
        assert answers[fresh][0] == 303
        assert all(answer == answers[fresh] for answer in answers.values())

    def test_so_is_the_page_of_somebody_who_did_not_tick_the_box(
        self, realm: Realm, optout_list: List, clock: Any
    ) -> None:
        make.make_contact(realm, "known@example.com", optout_list)
        pages = [
            comparable(submit(optout_list, email, clock, seconds=0, consent=""), email)
            for email in ("fresh@example.com", "known@example.com")
        ]

        assert pages[0] == pages[1]


@pytest.mark.django_db
class TestGuard:
    @pytest.mark.parametrize("token", ["x", "1-1:zzz"])
    def test_a_forged_token_shows_the_form_again(self, optout_list: List, token: str) -> None:
        fields = {"t": token, "email": JANE, "consent": "1"}
        page = PublicClient().send(path_of(optout_list), fields)

        assert page.status_code == 400
        assert form_fields(page)["email"] == JANE and form_fields(page)["consent"] == "1"
        assert requests() == []

    def test_too_quick_is_asked_for_one_more_tap_which_may_be_quick(
        self, optout_list: List, clock: Any
    ) -> None:
        page = submit(optout_list, clock=clock, seconds=1)

        assert page.status_code == 200 and ONCE_MORE in text_of(page)
        assert "There is a problem" not in text_of(page)
        assert requests() == []
        assert PublicClient().press(page, path_of(optout_list)).status_code == 303
        assert requests() == [JANE]

    @pytest.mark.parametrize("is_embedded", [False, True])
    def test_the_honeypot_is_one_more_tap_on_a_page_without_it(
        self, optout_list: List, clock: Any, is_embedded: bool
    ) -> None:
        page = (
            embedded(optout_list, note="Acme Ltd")
            if is_embedded
            else submit(optout_list, clock=clock, note="Acme Ltd")
        )

        assert page.status_code == 200 and ONCE_MORE in text_of(page)
        assert requests() == []
        assert "note" not in form_fields(page)
        again = PublicClient().press(page, path_of(optout_list), note="Acme Ltd")
        assert again.status_code == 303 and requests() == [JANE]

    def test_a_form_elsewhere_has_had_no_tap_whatever_it_says(self, optout_list: List) -> None:
        page = embedded(optout_list, note="Acme Ltd", again="0" * 16)

        assert page.status_code == 200 and requests() == []

    def test_what_is_missing_after_that_does_not_set_the_trap_again(
        self, optout_list: List
    ) -> None:
        page = embedded(optout_list, note="x")
        page = PublicClient().press(page, path_of(optout_list), email="nobody")

        assert page.status_code == 400 and "note" not in form_fields(page)
        assert PublicClient().press(page, path_of(optout_list), email=JANE).status_code == 303

    @pytest.mark.parametrize("name", ["email", "item", "consent", "t", "note", "again", "lang"])
    def test_a_field_that_says_two_things_changes_nothing(
        self, optout_list: List, clock: Any, name: str
    ) -> None:
        """AT-35-43."""
        page = PublicClient().get(path_of(optout_list))
        clock.shift(timedelta(seconds=2))
        token = form_fields(page)["t"]
        body = f"t={token}&email={JANE}&consent=1&{name}=a@example.com&{name}=b@example.com"

        page = PublicClient().send(path_of(optout_list), body)

        assert page.status_code == 400 and requests() == []

    def test_the_same_address_twice_is_one(self, optout_list: List) -> None:
        assert embedded(optout_list, item="JANE@example.com").status_code == 303

    @pytest.mark.parametrize(
        "email",
        [
            "x" * 308 + "@example.com",
            "x" * 65_000,
            "a@b." * 1_000,
            "\x00@example.com",
            "\u202emoc.elpmaxe@enaj",
            "jane@example.com\r\nBcc: joe@example.com",
            "=cmd|' /C calc'!A0",
            "<script>alert(1)</script>@example.com",
        ],
    )
    def test_hostile_addresses_ask_for_nothing(self, optout_list: List, email: str) -> None:
        page = embedded(optout_list, email)

        assert page.status_code == 400 and requests() == []
        assert "<script>" not in page.content.decode()

    def test_a_body_that_is_cut_off_or_too_big(self, optout_list: List) -> None:
        path = path_of(optout_list)
        too_big = "email=" + "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        assert PublicClient().send(path, too_big).status_code == 413
        assert PublicClient().send(path, "email=x", CONTENT_LENGTH="9").status_code == 400

    def test_a_double_click_is_one_mail(self, optout_list: List, clock: Any) -> None:
        client, path = PublicClient(), path_of(optout_list)
        page = client.get(path)
        clock.shift(timedelta(seconds=2))
        for _ in range(2):
            assert client.press(page, path, email=JANE, consent="1").status_code == 303

        now = make.NOW + timedelta(seconds=2)
        assert [has_had_enough(mail, now) for mail in claim_due(now, 9)] == [False, True]


@pytest.mark.django_db
class TestLimits:
    def test_a_form_elsewhere_goes_through_five_times_then_with_one_more_tap_on_our_page(
        self, optout_list: List
    ) -> None:
        answers = [embedded(optout_list, f"p{n}@example.com") for n in range(6)]

        assert [each.status_code for each in answers] == [303] * 5 + [200]
        assert ONCE_MORE in text_of(answers[5]) and len(requests()) == 5
        fields = form_fields(answers[5])
        assert (fields["email"], fields["consent"]) == ("p5@example.com", "1")
        assert PublicClient().press(answers[5], path_of(optout_list)).status_code == 303
        assert requests()[5] == "p5@example.com"

    def test_our_own_token_on_another_site_is_a_form_elsewhere(
        self, optout_list: List, clock: Any
    ) -> None:
        fields = form_fields(PublicClient().get(path_of(optout_list)))
        clock.shift(timedelta(seconds=2))
        more = {"t": fields["t"], "again": "0" * 16}

        answers = [embedded(optout_list, f"p{n}@example.com", **more) for n in range(6)]

        assert [each.status_code for each in answers] == [303] * 5 + [200]

    def test_our_form_goes_through_twenty_times_and_then_says_that_nothing_was_sent(
        self, optout_list: List, clock: Any
    ) -> None:
        client, path = PublicClient(), path_of(optout_list)
        page = client.get(path)
        clock.shift(timedelta(seconds=2))
        answers = [
            client.press(page, path, email=f"p{n}@example.com", consent="1") for n in range(21)
        ]

        assert [each.status_code for each in answers] == [303] * 20 + [429]
        assert answers[20].headers["Retry-After"] == "600"
        assert heading(answers[20]) == "Please try again in 10 minutes"
        assert "We sent no mail." in text_of(answers[20])
        assert "kept" not in text_of(answers[20]) and len(requests()) == 20
        assert embedded(optout_list, "p21@example.com").status_code == 429
        assert client.press(page, path, email="p3@example.com", consent="1").status_code == 303

    def test_opt_outs_have_limits_of_their_own(self, optout_list: List) -> None:
        for n in range(25):
            embedded(optout_list, f"p{n}@example.com")
        page = PublicClient().get(f"/u/{optout_list.public_id}")

        answer = PublicClient().press(page, f"/u/{optout_list.public_id}", item=JANE)

        assert answer.status_code == 303 and Suppression.objects.count() == 1
        optout_list.refresh_from_db()
        assert optout_list.protected_until is None

    def test_a_bad_form_costs_nothing(self, optout_list: List) -> None:
        for n in range(25):
            embedded(optout_list, f"p{n}@example.com", consent="")

        assert not LimitCounter.objects.exists()

    def test_an_owners_own_server_is_not_limited(self, optout_list: List) -> None:
        List.objects.update(whitelist=["192.0.2.0/24"])

        assert {embedded(optout_list, f"p{n}@example.com").status_code for n in range(7)} == {303}


def ask(optout_list: List, address: str = JANE, at: datetime = make.NOW) -> str:
    """The link in the mail to somebody who asked at that time."""
    embedded(optout_list, address)
    RecipientMail.objects.update(asked_at=at)
    return f"/j/{make_token(optout_list.pk, str(RecipientMail.objects.get().pk), JOIN)}"


@pytest.mark.django_db
class TestConfirming:
    def test_opening_the_link_asks_and_changes_nothing(self, optout_list: List) -> None:
        path = ask(optout_list)
        for headers in SCANNERS:
            client = PublicClient({**BROWSER, **headers})
            for each in (
                path,
                path + "/done",
                path_of(optout_list),
                path_of(optout_list) + "/sent",
            ):
                assert client.get(each).status_code == 200
                assert client.head(each).status_code == 200

        page = PublicClient().get(path)
        assert heading(page) == "Get Garden letters?"
        assert "ja•••@example.com" in text_of(page) and JANE not in text_of(page)
        assert not Subscription.objects.exists() and not Consent.objects.exists()
        assert not OptOut.objects.exists() and len(requests()) == 1

    def test_its_button_joins(self, optout_list: List, clock: Any) -> None:
        path = ask(optout_list)
        clock.shift(timedelta(hours=1))
        client = PublicClient(ip="198.51.100.3")

        response = client.press(client.get(path), path)

        assert (response.status_code, response.headers["Location"]) == (303, path + "/done?lang=en")
        assert Subscription.objects.get().optout_list == optout_list
        consent = Consent.objects.get()
        assert (consent.channel, consent.wording) == (Channel.JOIN, LABEL)
        assert (consent.asked_at, consent.asked_ip) == (make.NOW, "192.0.2.7")
        confirmed = (make.NOW + timedelta(hours=1), "198.51.100.3")
        assert (consent.confirmed_at, consent.confirmed_ip) == confirmed
        done = client.get(response.headers["Location"])
        assert heading(done) == "You are on the list"
        assert "/p/" in parse(done.content.decode()).links[0]

    def test_pressed_twice_it_does_nothing_more(self, optout_list: List) -> None:
        path, client = ask(optout_list), PublicClient()
        page = client.get(path)
        for _ in range(2):
            assert client.press(page, path).status_code == 303

        assert Subscription.objects.count() == Consent.objects.count() == 1
        assert not OptOut.objects.exists()

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_an_earlier_opt_out_is_told_and_lifted_by_the_button_alone(
        self, realm: Realm, optout_list: List, everywhere: bool
    ) -> None:
        make.make_optout(make.do_not_mail(realm) if everywhere else optout_list)
        path, client = ask(optout_list, at=make.NOW + timedelta(seconds=1)), PublicClient()

        page = client.get(path)
        assert "March" in text_of(page) and Suppression.objects.count() == 1
        assert client.press(page, path).status_code == 303

        assert not Suppression.objects.exists()
        rows = OptOut.objects.order_by("id").values_list("kind", "reason")
        assert list(rows) == [
            (Kind.OPT_OUT, Reason.UNSUBSCRIBED),
            (Kind.LIFT, Reason.RETURNED),
        ]
        assert heading(client.get(path + "/done")) == "You are on the list"

    def test_an_opt_out_after_the_mail_wins(self, optout_list: List, clock: Any) -> None:
        path, client = ask(optout_list, at=make.NOW - timedelta(hours=1)), PublicClient()
        before = client.get(path)
        make.make_optout(optout_list)

        for page in (client.get(path), client.press(before, path), client.get(path + "/done")):
            assert (page.status_code, heading(page)) == (200, "You unsubscribed in the meantime")
            assert path_of(optout_list) in parse(page.content.decode()).links[0]
        assert Suppression.objects.count() == 1 and not Subscription.objects.exists()

    def test_it_wins_also_where_it_has_ended_for_another_list(
        self, realm: Realm, optout_list: List
    ) -> None:
        """Whoever stopped everything since and came back to one list did not come back to this one."""
        path, client = ask(optout_list, at=make.NOW - timedelta(hours=1)), PublicClient()
        before = client.get(path)
        make.make_optout(make.do_not_mail(realm))
        self.come_back(make.make_list(realm, 2), after=timedelta())

        for page in (client.get(path), client.press(before, path)):
            assert (page.status_code, heading(page)) == (200, "You unsubscribed in the meantime")
        assert Suppression.objects.get().optout_list == optout_list

    def test_coming_back_to_another_list_is_no_opt_out(
        self, realm: Realm, optout_list: List, clock: Any
    ) -> None:
        make.make_optout(make.do_not_mail(realm))
        path, client = ask(optout_list, at=make.NOW + timedelta(minutes=1)), PublicClient()
        self.come_back(make.make_list(realm, 2), after=timedelta(minutes=2))
        clock.shift(timedelta(minutes=3))

        page = client.get(path)
        assert heading(page) == "Get Garden letters?" and "March" in text_of(page)
        assert client.press(page, path).status_code == 303
        assert not Suppression.objects.exists()

    def come_back(self, other: List, after: timedelta) -> None:
        join(other, asked_at=make.NOW + after, now=make.NOW + after)

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_a_legal_reason_is_the_senders_to_end(
        self, realm: Realm, optout_list: List, everywhere: bool
    ) -> None:
        path, client = ask(optout_list, at=make.NOW + timedelta(seconds=1)), PublicClient()
        before = client.get(path)
        target = make.do_not_mail(realm) if everywhere else optout_list
        make.make_optout(target, reason=Reason.LEGAL)

        for page in (client.get(path), client.press(before, path), client.get(path + "/done")):
            assert (page.status_code, heading(page)) == (200, "You cannot sign up here")
            assert "Only the sender can change that" in text_of(page)
        assert Suppression.objects.count() == 1 and not Subscription.objects.exists()

    def test_the_page_after_it_asks_whoever_is_not_on_the_list(self, optout_list: List) -> None:
        """It is also opened from bookmarks; and an opt-out may have met a place that came at the same moment."""
        path, client = ask(optout_list, at=make.NOW - timedelta(hours=1)), PublicClient()
        assert heading(client.get(path + "/done")) == "Get Garden letters?"
        client.press(client.get(path), path)
        assert heading(client.get(path + "/done")) == "You are on the list"
        make.make_optout(optout_list)
        make.make_subscription(optout_list)

        assert heading(client.get(path + "/done")) == "You unsubscribed in the meantime"

    def test_of_two_opt_outs_the_wider_one_is_told(self, realm: Realm, optout_list: List) -> None:
        make.make_optout(optout_list, requested_at=make.NOW - timedelta(days=60))
        make.make_optout(make.do_not_mail(realm))
        page = PublicClient().get(ask(optout_list, at=make.NOW + timedelta(seconds=1)))

        assert "4 March" in text_of(page) or "March 4" in text_of(page)
        assert "January" not in text_of(page)

    def test_it_is_never_limited(self, optout_list: List) -> None:
        path = ask(optout_list)
        for n in range(25):
            embedded(optout_list, f"p{n}@example.com")

        assert PublicClient().press(PublicClient().get(path), path).status_code == 303

    @pytest.mark.parametrize(
        ("headers", "fields", "status"),
        [
            ({}, {"t": "x"}, 400),
            ({"sec-fetch-site": "cross-site"}, {}, 403),
            ({"origin": "https://evil.example"}, {}, 403),
        ],
    )
    def test_only_our_own_page_presses_it(
        self, optout_list: List, headers: dict[str, str], fields: dict[str, str], status: int
    ) -> None:
        path, client = ask(optout_list), PublicClient()
        fields = {**form_fields(client.get(path)), **fields}

        page = client.send(path, fields, headers=headers)

        assert (page.status_code, heading(page)) == (status, "Get Garden letters?")
        assert not Subscription.objects.exists()
        assert client.press(page, path).status_code == 303

    def test_addresses_in_it_that_say_two_things_change_nothing(self, optout_list: List) -> None:
        """AT-35-43: the page asks for none."""
        path, client = ask(optout_list), PublicClient()
        token = form_fields(client.get(path))["t"]

        page = client.send(path, f"t={token}&email=a@example.com&email=b@example.com")

        assert page.status_code == 400 and not Subscription.objects.exists()

    def test_it_speaks_the_language_of_its_mail_unless_another_is_chosen(
        self, optout_list: List
    ) -> None:
        path = ask(optout_list)
        RecipientMail.objects.update(language="de")

        assert PublicClient().get(path).headers["Content-Language"] == "de"
        assert PublicClient().get(path + "?lang=ar").headers["Content-Language"] == "ar"

    def test_after_seven_days_or_without_its_row_it_is_too_old(
        self, optout_list: List, clock: Any
    ) -> None:
        path, client = ask(optout_list), PublicClient()
        page = client.get(path)
        clock.shift(timedelta(days=7) - timedelta(seconds=1))
        assert client.get(path).status_code == 200
        clock.shift(timedelta(seconds=1))

        for answer in (client.get(path), client.press(page, path), client.get(path + "/done")):
            assert (answer.status_code, heading(answer)) == (404, "This link is too old")
            assert path_of(optout_list) in parse(answer.content.decode()).links[0]
        RecipientMail.objects.all().delete()
        assert client.get(path).status_code == 404
        assert not Subscription.objects.exists()

    def test_flipped_tokens_and_those_of_another_purpose_open_nothing(
        self, realm: Realm, optout_list: List
    ) -> None:
        """AT-04."""
        path = ask(optout_list)
        token, other = path.removeprefix("/j/"), make.make_list(realm, 2, join_is_open=True)
        pk = str(RecipientMail.objects.get().pk)
        flipped = [
            token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            for at in range(0, len(token), 5)
        ]
        wrong = [
            make_token(optout_list.pk, pk),
            make_token(optout_list.pk, pk, PREFERENCES),
            make_token(optout_list.pk, "x", JOIN),
            make_token(optout_list.pk, "٣", JOIN),
            make_token(optout_list.pk, "9" * 200, JOIN),
            make_token(other.pk, pk, JOIN),
        ]
        page = PublicClient().get(path)
        for each in (*flipped, *wrong):
            assert PublicClient().press(page, f"/j/{each}").status_code == 404, each
            assert PublicClient().get(f"/j/{each}/done").status_code == 404

        assert not Subscription.objects.exists() and not Consent.objects.exists()

    def test_a_mail_of_the_other_form_is_no_yes(self, optout_list: List) -> None:
        path = ask(optout_list)
        RecipientMail.objects.update(kind=MailKind.PREFERENCES)

        assert PublicClient().get(path).status_code == 404

    @pytest.mark.parametrize("tail", [".", ")", "%E2%80%8B"])
    def test_what_a_messenger_took_along_does_no_harm(self, optout_list: List, tail: str) -> None:
        path = ask(optout_list)

        assert PublicClient().get(path + tail).status_code == 200


@pytest.mark.django_db
class TestWeight:
    """6 KB: the client measures each page."""

    @pytest.mark.parametrize("lang", ["en", "ar"])
    def test_with_the_longest_words_of_an_owner(self, optout_list: List, lang: str) -> None:
        texts = {"consent": {lang: "Ja & " * 60}, "message": {lang: "Öffnung " * 37}}
        List.objects.update(
            name="Ü" * 100,
            description="Ä beschreibt " * 23,
            frequency="ß" * 60,
            sender_name="Ö" * 100,
            contact="help@acme.example",
            privacy_url="https://acme.example/privacy",
            colour="#1d4ed8",
            own_texts=texts,
        )
        client, query = PublicClient(), f"?lang={lang}"
        path = path_of(optout_list)
        page = client.send(path, {"email": "x" * 250, "consent": "", "lang": lang, "t": "x"})
        assert page.status_code == 400
        for each in (path, path + "/sent", ask(optout_list), f"/p/{optout_list.public_id}"):
            assert client.get(each + query).status_code == 200
