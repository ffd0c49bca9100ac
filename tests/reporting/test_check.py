from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError

from lists.choices import Role
from lists.credentials import bring_password, make_password
from lists.lookup import snapshot
from lists.models import ApiKey, List, Realm, User
from optout.actions import record_optouts
from optout.addresses import hex_digests, parse_email
from optout.choices import Assurance, Channel, HashKind, Medium, Origin, Reason
from optout.contacts import ContactRecord, change_address, subscribe_contacts
from optout.evidence import Evidence
from optout.models import Consent, OptOut, StatedReason, Suppression
from optout.returning import join_list
from reporting.timeline import Answer
from reporting.views import check as check_view
from tests import make
from tests.lists.screens import look_at
from tests.reporting.portal import signed_in


def answers(response) -> dict[str, Answer]:
    return {each.optout_list.name: each.answer for each in response.context["answers"]}


def told(user: User, text: str = "jane@example.com") -> str:
    return look_at(check(user, text)).text


def check(user: User, text: str, **more):
    return signed_in(user).get("/manage/check/", {"q": text}, **more)


@pytest.mark.django_db
class TestCheckAnAddress:
    def test_without_an_address_it_only_asks(self, alice: User) -> None:
        response = signed_in(alice).get("/manage/check/")

        assert response.status_code == 200
        assert "answers" not in response.context

    def test_it_answers_list_by_list_with_do_not_mail_first(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2, "Offers")
        make.make_optout(optout_list, "jane@example.com")

        response = check(alice, " Jane@Example.com ")

        assert answers(response) == {
            "Do Not Mail": Answer.MAY_BE_CONTACTED,
            "Garden letters": Answer.SUPPRESSED,
            "Offers": Answer.MAY_BE_CONTACTED,
        }
        own = response.context["answers"][1]
        assert (own.since, own.channel, own.by_do_not_mail) == (make.NOW, "Hosted page", False)

    def test_do_not_mail_holds_for_every_list(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.do_not_mail(realm), "jane@example.com", channel=Channel.PIXEL)

        response = check(bob, "jane@example.com")

        assert set(answers(response).values()) == {Answer.SUPPRESSED}
        assert response.context["answers"][1].by_do_not_mail
        assert response.context["answers"][1].channel == "Pixel"

    def test_the_timeline_has_every_request_of_the_realm_newest_first(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "jane@example.com")
        make.make_optout(
            make.do_not_mail(realm), "jane@example.com", requested_at=make.NOW + timedelta(hours=1)
        )
        make.make_optout(make.make_list(make.make_realm("other")), "jane@example.com")

        history = check(alice, "jane@example.com").context["history"]

        assert [its_list.name for _entry, its_list in history] == ["Do Not Mail", "Garden letters"]

    def test_an_owner_sees_own_lists_and_do_not_mail_only(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(make.make_list(realm, 2, "Offers"), "jane@example.com")

        response = check(bob, "jane@example.com")

        assert set(answers(response)) == {"Do Not Mail", "Garden letters"}
        assert response.context["history"] == []
        assert b"Offers" not in response.content

    @pytest.mark.parametrize("kind", ["md5", "sha256"])
    def test_a_hash_finds_an_address_that_we_hold(
        self, alice: User, optout_list: List, kind: str
    ) -> None:
        make.make_optout(optout_list, "jane@example.com")

        response = check(alice, getattr(hex_digests("jane@example.com"), kind))

        assert answers(response)["Garden letters"] is Answer.SUPPRESSED
        assert response.context["shown"] == "jane@example.com"

    def test_an_address_finds_a_suppression_that_came_as_a_hash(
        self, alice: User, optout_list: List
    ) -> None:
        full = bytes.fromhex(hex_digests("jane@example.com").sha1)
        Suppression.objects.create(
            optout_list=optout_list,
            digest=full[:16],
            full_hash=full,
            hash_kind=HashKind.SHA1,
            medium=Medium.EMAIL,
            channel=Channel.FILE_IMPORT,
            reason=Reason.UNSUBSCRIBED,
            suppressed_at=make.NOW,
        )

        assert answers(check(alice, "jane@example.com"))["Garden letters"] is Answer.SUPPRESSED
        assert answers(check(alice, full.hex()))["Garden letters"] is Answer.SUPPRESSED

    @pytest.mark.parametrize("length", [32, 40, 64])
    def test_a_hash_that_is_not_found_proves_nothing(
        self, alice: User, optout_list: List, length: int
    ) -> None:
        response = check(alice, "ab" * (length // 2))

        assert answers(response)["Garden letters"] is Answer.UNKNOWN
        assert "That proves nothing" in response.content.decode()
        assert "Not suppressed" not in response.content.decode()

    @pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
    @pytest.mark.parametrize("role", [Role.ADMIN, Role.OWNER, Role.VIEWER, Role.MAILER])
    def test_a_hash_of_an_address_that_only_others_know_stays_a_hash(
        self, realm: Realm, optout_list: List, role: Role, kind: str
    ) -> None:
        """A2: what another realm holds is not told, not even that it is held."""
        user = make.make_user("asker@acme.example")
        make.make_member(user, realm, role, optout_list)
        make.make_optout(make.make_list(make.make_realm("other")), "jane@example.com")
        text = getattr(hex_digests("jane@example.com"), kind)

        response = check(user, text)

        assert set(answers(response).values()) == {Answer.UNKNOWN}
        assert response.context["shown"] == text
        assert "jane@example.com" not in response.content.decode()

    @pytest.mark.parametrize("kind", ["md5", "sha1", "sha256"])
    def test_nor_does_a_hash_tell_an_owner_what_another_list_of_the_realm_holds(
        self, bob: User, realm: Realm, optout_list: List, kind: str
    ) -> None:
        make.make_optout(make.make_list(realm, 2, "Offers"), "jane@example.com")
        text = getattr(hex_digests("jane@example.com"), kind)

        response = check(bob, text)

        assert set(answers(response).values()) == {Answer.UNKNOWN}
        assert response.context["shown"] == text

    def test_a_closed_list_is_marked_as_one(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        tag = '<span class="tag tag-warning">Closed</span>'
        assert tag not in check(alice, "jane@example.com").content.decode()
        List.objects.filter(pk=optout_list.pk).update(closed_at=make.NOW)

        page = check(alice, "jane@example.com").content.decode()

        assert page.count(tag) == 1
        assert page.index("Garden letters") < page.index(tag)

    def test_a_phone_number_is_read_with_the_realms_country(
        self, alice: User, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "+14155552671")

        assert answers(check(alice, "(415) 555-2671"))["Garden letters"] is Answer.SUPPRESSED

    @pytest.mark.parametrize(
        "text", ["", "   ", "nonsense", "a@b", "x" * 2000, "jane\x00@example.com", "\ud800@x.com"]
    )
    def test_bad_input_is_kept_with_an_error(self, alice: User, text: str) -> None:
        query = text.encode("utf-8", "surrogatepass")
        response = signed_in(alice).get("/manage/check/", {"q": query})

        assert response.status_code == 200
        assert response.context["form"].errors
        assert "answers" not in response.context

    def test_an_error_is_never_answered_as_may_be_contacted(
        self, alice: User, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: object) -> None:
            raise OperationalError("gone")

        monkeypatch.setattr(check_view, "check_lists", broken)
        response = check(alice, "jane@example.com")

        assert response.status_code == 503
        assert b"Not suppressed" not in response.content

    def test_it_asks_the_database_ten_times_at_most(
        self, alice: User, realm: Realm, optout_list: List, django_assert_max_num_queries
    ) -> None:
        for number in range(2, 30):
            make.make_list(realm, number, f"List {number}")
        record_optouts([make.make_intent(optout_list) for _ in range(20)])
        client = signed_in(alice)
        for text in ("jane@example.com", hex_digests("jane@example.com").md5):
            with django_assert_max_num_queries(10):
                client.get("/manage/check/", {"q": text})

    def test_the_answer_is_not_kept_by_the_browser(self, alice: User) -> None:
        assert "no-store" in check(alice, "jane@example.com")["Cache-Control"]


@pytest.mark.django_db
class TestContact:
    def test_a_contact_is_said_to_be_one(
        self, alice: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(
            realm, "jane@example.com", optout_list, make.make_list(realm, 2, "Offers")
        )

        text = told(alice)

        assert "No opt-out was recorded for this address." in text
        assert "on 2 lists ( Garden letters since 4 Mar 2026, Offers since 4 Mar 2026)" in text

    def test_an_admin_is_told_of_one_on_no_list(self, alice: User, realm: Realm) -> None:
        make.make_contact(realm, "jane@example.com")
        assert "Contact: on no list, known since" in told(alice)

    def test_an_owner_is_told_of_own_lists_only(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        offers = make.make_list(realm, 2, "Offers")
        make.make_contact(realm, "jane@example.com", offers)
        assert "Contact:" not in told(bob)
        assert "No opt-out was recorded for this address on these lists." in told(bob)

        make.make_subscription(optout_list, "jane@example.com")

        assert "on 1 list ( Garden letters since" in told(bob)

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.MAILER])
    def test_who_sees_no_clear_address_is_not_told(
        self, realm: Realm, optout_list: List, role: Role
    ) -> None:
        user = make.make_user("asker@acme.example")
        make.make_member(user, realm, role, optout_list)
        make.make_contact(realm, "jane@example.com", optout_list)
        assert "Contact:" not in told(user)

    def test_another_realms_contact_is_none(self, alice: User, optout_list: List) -> None:
        make.make_contact(make.make_realm("other"), "jane@example.com")
        assert "Contact:" not in told(alice)


@pytest.mark.django_db
class TestWhoDidIt:
    """The timeline says no more than what is known, and the legend has its words."""

    def test_what_a_script_reported_is_not_said_to_be_the_recipients(
        self, alice: User, realm: Realm, optout_list: List, django_assert_max_num_queries
    ) -> None:
        password = make_password(realm, actor=None).row
        brought = bring_password(realm, "garden-gate-17", actor=None)
        for row in (password, brought):
            make.make_optout(
                optout_list,
                channel=Channel.API_WEB,
                assurance=Assurance.API_CREDENTIAL,
                evidence=Evidence.of(None, "PHP/8.3", credential=row.pk),
            )

        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            text = look_at(client.get("/manage/check/", {"q": "jane@example.com"})).text

        line = "Unsubscribed. Reported by a script · api_web · API credential"
        assert f"{line} (password …{password.hint}) · PHP/8.3" in text
        assert f"{line} (your own password) · PHP/8.3" in text
        assert (
            "API credential A program with the realm’s password or an API key reported it." in text
        )

    def test_what_a_program_reported_names_its_key(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_api_key(realm)
        key = ApiKey.objects.get()
        ApiKey.objects.update(label="Web shop")
        for origin in (Origin.RECIPIENT, Origin.OWNER):
            make.make_optout(
                optout_list,
                channel=Channel.REST,
                assurance=Assurance.API_CREDENTIAL,
                origin=origin,
                evidence=Evidence.of(None, "Python/3.13", api_key=key.pk),
            )

        text = look_at(signed_in(alice).get("/manage/check/", {"q": "jane@example.com"})).text

        how = f"Reported by a program · REST API · API credential (key “Web shop” hk_…{key.hint})"
        assert f"Unsubscribed. {how} · Python/3.13" in text
        assert f"Unsubscribed by owner. {how}" in text
        assert key.hint not in told(bob) and "Reported by a program" in told(bob)

    def test_a_global_request_says_what_it_was_for(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_product(realm, 2, optout_list)
        for channel in (Channel.GLOBAL_API, Channel.GLOBAL_FORM):
            make.make_global_request(
                realm, website="shop.example", product_number=2, custom1="Germany", channel=channel
            )

        text = told(bob)

        asked = "For product 2, on shop.example, custom fields: Germany"
        by_api = (
            f"Unsubscribed. Reported by a website. {asked} · Global Unsubscribe API · Prefilled"
        )
        assert by_api in text
        assert f"Unsubscribed by recipient. {asked} · Global Unsubscribe form" in text

    def test_which_password_it_was_is_for_realm_admins(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        row = make_password(realm, actor=None).row
        evidence = Evidence.of(None, "PHP/8.3", credential=row.pk)
        make.make_optout(optout_list, channel=Channel.API_WEB, evidence=evidence)
        assert row.hint not in told(bob)

    def test_a_lift_by_force_is_a_scripts(self, bob: User, optout_list: List) -> None:
        make.make_optout(optout_list)
        subscribe_contacts(
            snapshot(optout_list),
            [ContactRecord(parse_email("jane@example.com"), {})],
            force=True,
            channel=Channel.API_WEB,
            assurance=Assurance.API_CREDENTIAL,
            evidence=Evidence(),
            now=make.NOW + timedelta(hours=1),
        )

        said = "Put on the list again by a script (force_sub)"
        assert said in told(bob)
        assert "Manual by owner" not in told(bob)
        entries = signed_in(bob).get(f"/manage/lists/{optout_list.public_id}/entries")
        assert said in look_at(entries).text

    def test_what_was_carried_over_says_so_without_the_other_address(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "old@example.com")
        make.make_contact(realm, "old@example.com")
        change_address(
            realm.pk,
            parse_email("old@example.com"),
            parse_email("jane@example.com"),
            channel=Channel.API_WEB,
            assurance=Assurance.API_CREDENTIAL,
            evidence=Evidence(),
            now=make.NOW,
        )

        text = told(bob)

        assert "Carried over from another address when the contact’s address changed" in text
        assert "old@example.com" not in text
        assert parse_email("old@example.com").digest.hex() not in text

    def test_what_somebody_did_here_is_not_the_operators(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_optout(
            optout_list,
            channel=Channel.PORTAL,
            assurance=Assurance.OPERATOR,
            reason=Reason.MANUAL,
            origin=Origin.OWNER,
        )

        text = told(bob)

        assert "Manual by owner · Portal: somebody signed in did it" in text
        assert "Operator" not in text


@pytest.mark.django_db
class TestViewer:
    def test_a_viewer_sees_the_timeline_masked(self, realm: Realm, optout_list: List) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)
        make.make_optout(optout_list, "jane@example.com")

        response = check(viewer, hex_digests("jane@example.com").md5)

        assert answers(response)["Garden letters"] is Answer.SUPPRESSED
        assert len(response.context["history"]) == 1
        assert b"jane@example.com" not in response.content
        assert b"192.0.2.7" not in response.content


@pytest.mark.django_db
class TestMailer:
    @pytest.fixture
    def mailer(self, realm: Realm, optout_list: List) -> User:
        user = make.make_user("mailer@north.example")
        make.make_member(user, realm, Role.MAILER, optout_list)
        return user

    def test_a_mailer_gets_yes_or_no_for_the_lists_it_was_given(
        self, mailer: User, realm: Realm, optout_list: List
    ) -> None:
        make.make_list(realm, 2, "Offers")
        make.make_optout(optout_list, "jane@example.com")

        response = check(mailer, "jane@example.com")

        assert answers(response)["Garden letters"] is Answer.SUPPRESSED
        assert "Offers" not in answers(response)
        assert response.context["history"] == []
        assert b"Hosted page" not in response.content
        assert b"4 Mar" not in response.content

    def test_a_mailer_asks_sixty_times_an_hour(self, mailer: User) -> None:
        client = signed_in(mailer)
        with time_machine.travel(make.NOW, tick=False) as clock:
            codes = [
                client.get("/manage/check/", {"q": "jane@example.com"}).status_code
                for _ in range(61)
            ]
            clock.shift(timedelta(minutes=61))
            later = client.get("/manage/check/", {"q": "jane@example.com"}).status_code

        assert codes == [200] * 60 + [429]
        assert later == 200

    def test_a_mailers_question_is_ten_queries_at_most(
        self, mailer: User, django_assert_max_num_queries
    ) -> None:
        client = signed_in(mailer)
        with django_assert_max_num_queries(10):
            client.get("/manage/check/", {"q": "jane@example.com"})


@pytest.mark.django_db
class TestWhatTheySaid:
    """Consents and stated reasons: the owner's proof, on the same page (S2.2)."""

    WORDS = "Yes, send me <b>Garden letters</b>."

    @pytest.fixture
    def agreed(self, optout_list: List) -> Consent:
        make.make_optout(optout_list, "jane@example.com")
        request = OptOut.objects.get()
        StatedReason.objects.create(
            optout_list=optout_list,
            optout_id=request.id,
            digest=bytes(request.digest),
            reason="too_many",
            stated_at=make.NOW,
        )
        return Consent.objects.create(
            optout_list=optout_list,
            digest=bytes(request.digest),
            channel=Channel.JOIN,
            language="de",
            wording=self.WORDS,
            asked_at=make.NOW + timedelta(hours=1),
            asked_ip="192.0.2.8",
            confirmed_at=make.NOW + timedelta(hours=2),
            confirmed_ip="192.0.2.9",
            confirmed_agent="Firefox",
        )

    def test_both_stand_in_the_timeline(
        self, alice: User, agreed: Consent, django_assert_max_num_queries
    ) -> None:
        client = signed_in(alice)
        with django_assert_max_num_queries(10):
            response = client.get("/manage/check/", {"q": "jane@example.com"})

        assert [each.agreement is not None for each in response.context["happenings"]] == [
            True,
            False,
        ]
        screen = look_at(response)
        assert f"Agreed – Garden letters “{self.WORDS}”" in screen.text
        assert "<b>Garden letters</b>" not in screen.html
        assert "asked 4 Mar 2026, 13:00:00 UTC · 192.0.2.8" in screen.text
        assert "confirmed 4 Mar 2026, 14:00:00 UTC · 192.0.2.9 · Firefox" in screen.text
        assert "Reason given afterwards: I get too many messages" in screen.text

    def test_who_came_back_has_all_three_in_the_timeline(
        self, alice: User, optout_list: List
    ) -> None:
        make.make_optout(optout_list, "jane@example.com")
        join_list(
            snapshot(optout_list),
            parse_email("jane@example.com"),
            asked_at=make.NOW + timedelta(hours=1),
            channel=Channel.JOIN,
            language="en",
            wording=self.WORDS,
            asked_ip=None,
            evidence=Evidence(),
            now=make.NOW + timedelta(hours=2),
        )

        text = told(alice)

        lift, agreed, out = (
            text.index(f"{word} – Garden letters") for word in ("Lift", "Agreed", "Opt-out")
        )
        assert lift < agreed < out
        assert "Came back, by the recipient’s own confirmation · Join form" in text

    def test_who_sees_no_addresses_sees_no_ip(self, realm: Realm, agreed: Consent) -> None:
        viewer = make.make_user("viewer@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)

        text = told(viewer)

        assert "Agreed – Garden letters" in text
        assert "192.0.2" not in text and "Firefox" not in text

    def test_a_mailer_is_told_nothing_of_it(
        self, realm: Realm, optout_list: List, agreed: Consent
    ) -> None:
        mailer = make.make_user("mailer@acme.example")
        make.make_member(mailer, realm, Role.MAILER, optout_list)

        assert "Agreed" not in told(mailer)

    def test_a_consent_alone_is_no_opt_out(self, alice: User, agreed: Consent) -> None:
        OptOut.objects.all().delete()

        text = told(alice)

        assert "Agreed – Garden letters" in text
        assert "No opt-out was recorded for this address." in text

    def test_that_of_another_realms_list_is_not_shown(self, charlie: User, agreed: Consent) -> None:
        assert "Agreed" not in told(charlie)
