import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from config.demo_secrets import demo_password
from lists.access import Permission, get_standing, open_list
from lists.api_auth import digest_password
from lists.choices import Role
from lists.global_unsubscribe import find_door
from lists.lookup import forget_all_lists
from lists.models import (
    ApiKey,
    Contact,
    DownloadKey,
    GlobalUnsubscribe,
    List,
    ListAccess,
    Logo,
    Membership,
    Product,
    Publisher,
    Realm,
    RealmCredential,
    RealmHost,
    StoredForm,
    Subscription,
    User,
)
from lists.secrets import digest_secret
from optout.choices import Channel, Kind, MailState, Medium, Reason, Verdict
from optout.models import (
    Consent,
    GlobalLine,
    LimitCounter,
    OptOut,
    QuarantinedOptOut,
    RecipientMail,
    StatedReason,
    Suppression,
)
from optout.queries import is_suppressed
from reporting.models import Download, Notice
from tests import make
from tests.kept import kept_rows

LIST_KEYS = {
    *("number", "public_id", "name", "direct_link_mode", "redirect_url", "whitelist", "page_url"),
    *("direct_url", "pixel_url", "one_click_url", "download_url", "download_key"),
    *("join_url", "ask_url", "preferences_url"),
}
USERS = {"operator", "owner", "list_owner", "mailer", "viewer", "stranger"}


type Answer = dict[str, Any]


def seed() -> Answer:
    printed = StringIO()
    call_command("seed_demo", "--json", stdout=printed)
    answer: Answer = json.loads(printed.getvalue())
    return answer


def ask_rest(key: str, path: str, body: Answer | None = None) -> Any:
    """A call of the REST API: a GET, or a POST of that body."""
    forget_all_lists()
    client = Client(headers={"authorization": f"Bearer {key}"})
    url = f"/api/v1{path}"
    return client.post(url, body, content_type="application/json") if body else client.get(url)


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Answer]:
    """The demo, loaded once for all tests of this file: those that load it themselves are in test_seed_demo_anew.py."""
    with kept_rows(django_db_blocker):
        yield seed()


@pytest.mark.django_db
class TestAnswer:
    def test_scripts_find_the_keys_they_rely_on(self, settings: Any, demo: Answer) -> None:
        assert set(demo) == {
            *("base_url", "api_web_url", "realm", "lists", "users"),
            *("global_unsubscribe_url", "global_unsubscribe"),
            *("api_key", "api_key_read", "contacts_user", "contacts_token", "sms"),
        }
        assert demo["base_url"] == settings.BASE_URL
        assert demo["api_web_url"] == f"{settings.BASE_URL}/api_web"
        assert set(demo["realm"]) == {"name", "password"}
        assert all(set(each) == LIST_KEYS for each in demo["lists"])
        assert set(demo["users"]) == USERS
        found = demo["global_unsubscribe"]
        assert set(found) == {"key_url", "products", "publisher", "form"}
        assert all(set(each) == {"number", "name", "list_number"} for each in found["products"])
        assert set(found["publisher"]) == {"reference", "name"}
        assert set(found["form"]) == {"uuid", "name", "url"}
        assert all(set(each) == {"email", "password"} for each in demo["users"].values())

    def test_there_is_a_list_of_each_kind(self, demo: Answer) -> None:
        lists = demo["lists"]

        assert {each["direct_link_mode"] for each in lists} == {"confirm", "instant"}
        redirecting = [each["number"] for each in lists if each["redirect_url"]]
        texts = List.objects.get(realm__name="demo", number=redirecting[0]).thank_you_texts
        assert sorted(texts) == ["de", "en"]
        assert ["127.0.0.2"] in [each["whitelist"] for each in lists]
        assert [each["number"] for each in lists][-1] == 0

    def test_the_open_links_have_a_place_for_the_item(self, demo: Answer) -> None:
        for each in demo["lists"]:
            assert each["direct_url"] == f"{each['page_url']}?item={{item}}"
            assert each["pixel_url"] == f"{each['page_url']}.gif?item={{item}}"

    def test_without_json_it_is_a_table_for_people(self, demo: Answer) -> None:
        printed = StringIO()

        call_command("seed_demo", stdout=printed)

        assert "owner@green-valley.example" in printed.getvalue()
        assert demo_password("owner") in printed.getvalue()
        assert demo["api_web_url"] in printed.getvalue()
        assert max(len(line) for line in printed.getvalue().splitlines()) < 160


@pytest.mark.django_db
class TestRunningItAgain:
    def test_it_prints_the_same_and_adds_nothing(self, demo: Answer) -> None:
        counted = (OptOut, Suppression, QuarantinedOptOut, Download, Notice, DownloadKey, User)
        known = (Contact, Subscription)
        said = (Consent, StatedReason, RecipientMail, Logo)
        models = (
            *counted,
            *known,
            *said,
            ApiKey,
            GlobalLine,
            Product,
            Publisher,
            StoredForm,
            RealmHost,
        )
        before = [model.objects.count() for model in models]

        assert seed() == demo
        assert [model.objects.count() for model in models] == before

    def test_what_somebody_changed_in_a_list_stays(self, demo: Answer) -> None:
        List.objects.filter(realm__name="demo", number=1).update(name="Garden notes")

        assert seed()["lists"][0]["name"] == "Garden notes"

    def test_sign_ins_and_keys_are_set_back(self, demo: Answer) -> None:
        owner = User.objects.get(email=demo["users"]["owner"]["email"])
        owner.set_password("something else entirely")
        owner.is_active = False
        owner.save()
        DownloadKey.objects.update(is_active=False)
        RealmCredential.objects.update(revoked_at=timezone.now())
        ApiKey.objects.update(may_read=False, may_write=True, list_ids=[1], expires_at=make.NOW)
        ApiKey.objects.filter(label="Nightly reports").update(revoked_at=make.NOW)

        seed()

        owner.refresh_from_db()
        assert owner.is_active
        assert owner.check_password(demo["users"]["owner"]["password"])
        assert DownloadKey.objects.filter(is_active=True).count() == len(demo["lists"])
        assert RealmCredential.objects.get().revoked_at is None
        for key in ("api_key", "api_key_read", "contacts_token"):
            assert ask_rest(demo[key], "/lists").status_code == 200, key

    def test_a_password_that_is_right_is_not_set_anew(self, demo: Answer) -> None:
        before = dict(User.objects.values_list("email", "password"))

        seed()

        assert dict(User.objects.values_list("email", "password")) == before

    def test_a_realm_that_was_used_gets_no_made_up_month(self, demo: Answer) -> None:
        kept = OptOut.objects.order_by("-id").first()
        assert kept is not None
        OptOut.objects.exclude(id=kept.id).delete()

        seed()

        assert OptOut.objects.count() == 1


@pytest.mark.django_db
class TestApiKeys:
    def test_they_open_what_their_names_promise(self, demo: Answer) -> None:
        add = {"addresses": ["sample@example.com"]}
        for key in ("api_key", "contacts_token"):
            numbers = [each["number"] for each in ask_rest(demo[key], "/lists").json()["lists"]]
            assert sorted(numbers) == sorted(each["number"] for each in demo["lists"])
            assert ask_rest(demo[key], "/lists/1/suppressions", add).status_code == 200
            assert ask_rest(demo[key], "/lists/0/suppressions", add).status_code == 200
        assert ask_rest(demo["api_key_read"], "/lists").status_code == 200
        assert ask_rest(demo["api_key_read"], "/lists/1/suppressions", add).status_code == 403
        assert demo["contacts_user"] == demo["realm"]["name"]


@pytest.mark.django_db
class TestGlobalUnsubscribe:
    def test_it_is_on_in_the_demos_realm_and_by_the_installations_own_name(
        self, settings: Any, demo: Answer
    ) -> None:
        door = GlobalUnsubscribe.objects.get()
        assert (door.realm.name, door.is_on) == ("demo", True)
        assert demo["global_unsubscribe_url"] == f"{settings.BASE_URL}/unsubscribe/unsubscribe"
        key_url = f"{settings.BASE_URL}/g/{door.key}/unsubscribe/unsubscribe"
        assert demo["global_unsubscribe"]["key_url"] == key_url

    def test_another_realm_that_switches_it_on_changes_nothing(
        self, settings: Any, demo: Answer
    ) -> None:
        make.make_global_unsubscribe(Realm.objects.get(name="demo-neighbour"))

        door = find_door("", urlsplit(settings.BASE_URL).netloc)

        assert door is not None
        assert door.realm_id == Realm.objects.get(name="demo").pk

    def test_requests_to_it_are_recorded(self, demo: Answer) -> None:
        for number, url in enumerate(
            (demo["global_unsubscribe_url"], demo["global_unsubscribe"]["key_url"])
        ):
            for product in (
                0,
                *(each["number"] for each in demo["global_unsubscribe"]["products"]),
            ):
                email = f"try-{number}-{product}@example.com"
                response = Client().get(
                    urlsplit(url).path,
                    {"responseType": "api", "productId": product, "email": email},
                )
                assert response.content == b"1", (url, product)

    def test_the_stored_form_opens(self, demo: Answer) -> None:
        form = demo["global_unsubscribe"]["form"]
        assert form["url"].endswith(f"/unsubscribe/unsubscribe?uuid={form['uuid']}")
        parts = urlsplit(form["url"])

        page = Client().get(f"{parts.path}?{parts.query}").content.decode()

        for label in ("Country", "City", "Reason"):
            assert label in page

    def test_products_go_to_lists_and_to_do_not_mail(self, demo: Answer) -> None:
        products = demo["global_unsubscribe"]["products"]
        assert {each["number"]: each["list_number"] for each in products} == {
            1: 1,
            2: 2,
            3: 5,
            5: 0,
        }
        assert Product.objects.filter(is_active=False).count() == 1

    def test_the_report_shows_every_kind_of_request(self, demo: Answer) -> None:
        lines = GlobalLine.objects.all()
        assert 300 <= lines.count() <= 700
        assert lines.filter(unsubscribe_count__gt=1).count() > 30
        assert not lines.filter(last_seen_at__gt=timezone.now()).exists()
        for nothing in ({"email": ""}, {"phone": ""}, {"website": ""}, {"form": None}):
            assert lines.filter(**nothing).exists()
            assert lines.exclude(**nothing).exists()
        assert lines.exclude(custom1="").exclude(custom2="").exclude(custom3="").exists()
        assert set(lines.values_list("product_number", flat=True).distinct()) == {0, 1, 2, 3, 5}
        assert len(set(lines.values_list("website", flat=True))) >= 5
        references = set(Publisher.objects.values_list("reference", flat=True))
        assert references < set(lines.values_list("publisher", flat=True))

    def test_each_line_counts_its_requests_in_the_ledger(self, demo: Answer) -> None:
        counted = GlobalLine.objects.aggregate(all=Sum("unsubscribe_count"))["all"]
        requests = OptOut.objects.filter(channel__in=(Channel.GLOBAL_API, Channel.GLOBAL_FORM))
        assert counted == requests.exclude(evidence__has_key="also").count()
        assert requests.filter(evidence__also=True).exists()
        days = {at.date() for at in requests.values_list("recorded_at", flat=True)}
        assert len(days) >= 29

    def test_an_installation_of_before_gets_it(self, demo: Answer) -> None:
        lines = set(GlobalLine.objects.values_list("key", "unsubscribe_count"))
        GlobalLine.objects.all().delete()
        OptOut.objects.filter(channel__in=(Channel.GLOBAL_API, Channel.GLOBAL_FORM)).delete()
        for model in (StoredForm, Publisher, Product, RealmHost, GlobalUnsubscribe):
            model._default_manager.all().delete()

        again = seed()

        assert again["global_unsubscribe_url"] == demo["global_unsubscribe_url"]
        assert again["global_unsubscribe"]["form"] == demo["global_unsubscribe"]["form"]
        assert set(GlobalLine.objects.values_list("key", "unsubscribe_count")) == lines

    def test_what_somebody_changed_stays_but_it_is_on_again(self, demo: Answer) -> None:
        """As sign-ins and keys: what is printed works."""
        GlobalUnsubscribe.objects.update(is_on=False, server_ips=[])
        Product.objects.filter(number=1).update(name="Garden notes", is_active=False)
        kept = GlobalLine.objects.order_by("id")[0]
        GlobalLine.objects.exclude(key=kept.key).delete()

        again = seed()

        door = GlobalUnsubscribe.objects.get()
        assert (door.is_on, door.server_ips) == (True, [])
        assert Product.objects.get(number=1).name == "Garden notes"
        assert [each["number"] for each in again["global_unsubscribe"]["products"]] == [2, 3, 5]
        assert GlobalLine.objects.count() == 1

    def test_a_host_name_of_somebody_else_stays_theirs(self, demo: Answer) -> None:
        RealmHost.objects.update(realm=Realm.objects.get(name="demo-neighbour"))

        again = seed()

        assert again["global_unsubscribe_url"] == demo["global_unsubscribe"]["key_url"]


@pytest.mark.django_db
class TestContacts:
    def test_a_few_hundred_have_names(self, demo: Answer) -> None:
        contacts = Contact.objects.filter(realm__name="demo")
        assert 500 <= contacts.count() <= 1_500
        assert not contacts.filter(fields={}).exists()
        assert all(each.fields["first"] and each.fields["last"] for each in contacts)
        assert contacts.filter(fields__has_key="custom_garden").count() > 100
        jane = contacts.filter(address__startswith="jane.").first()
        assert jane is not None
        assert jane.fields["first"] == "Jane"
        assert jane.address.startswith(f"jane.{jane.fields['last'].lower()}@")

    def test_every_list_to_send_to_has_some(self, demo: Answer) -> None:
        used = Subscription.objects.order_by().values_list("optout_list__number", flat=True)
        assert set(used.distinct()) == {1, 2, 3, 4, 5, 6}
        assert not Subscription.objects.filter(subscribed_at__gt=timezone.now()).exists()

    def test_phone_numbers_are_on_the_list_of_texts_alone(self, demo: Answer) -> None:
        phones = list(Contact.objects.filter(medium=Medium.SMS).values_list("digest", flat=True))
        places = Subscription.objects.filter(digest__in=phones)
        assert set(places.values_list("optout_list__number", flat=True)) == {5}

    def test_who_opted_out_is_not_on_the_list(self, demo: Answer) -> None:
        """S4.19."""
        out = set(Suppression.objects.values_list("optout_list__number", "digest"))
        assert out
        for number, digest in Subscription.objects.values_list("optout_list__number", "digest"):
            assert not {(number, digest), (0, digest)} & out
        known = set(Contact.objects.values_list("digest", flat=True))
        assert len({digest for _, digest in out} & known) > 100

    def test_an_installation_of_before_gets_the_names(self, demo: Answer) -> None:
        fields = dict(Contact.objects.values_list("address", "fields"))
        places = set(Subscription.objects.values_list("optout_list_id", "digest"))
        Contact.objects.update(fields={})
        Subscription.objects.filter(optout_list__number__in=(4, 6)).delete()

        assert seed() == demo

        assert dict(Contact.objects.values_list("address", "fields")) == fields
        assert set(Subscription.objects.values_list("optout_list_id", "digest")) == places

    def test_what_somebody_changed_in_contacts_stays(self, demo: Answer) -> None:
        kept = Contact.objects.order_by("pk")[:3]
        Contact.objects.exclude(pk__in=[each.pk for each in kept]).delete()
        Contact.objects.filter(pk=kept[0].pk).update(fields={})
        Subscription.objects.all().delete()

        seed()

        assert Contact.objects.count() == 3
        assert Contact.objects.get(pk=kept[0].pk).fields == {}
        assert not Subscription.objects.exists()


@pytest.mark.django_db
class TestChoices:
    def test_people_joined_came_back_and_said_why_they_left(self, demo: Answer) -> None:
        consents = Consent.objects.filter(optout_list__realm__name="demo")
        assert 30 <= consents.count() <= 60
        assert not consents.filter(confirmed_at__gt=timezone.now()).exists()
        assert not consents.filter(wording="").exists()
        on = set(Subscription.objects.values_list("optout_list_id", "digest"))
        assert {(each.optout_list_id, each.digest) for each in consents} <= on
        assert OptOut.objects.filter(reason=Reason.RETURNED, channel=Channel.JOIN).exists()
        stated = StatedReason.objects.values_list("optout_list__number", flat=True)
        assert stated.count() > 100 and {1, 2, 3} <= set(stated)
        states = set(RecipientMail.objects.values_list("state", flat=True))
        assert states == {MailState.SENT, MailState.LEFT_OUT}

    def test_an_email_address_is_offered_no_text_messages(self, demo: Answer) -> None:
        page = Client(headers={"accept": "text/html"}).get(
            urlsplit(demo["lists"][0]["preferences_url"]).path
        )
        assert b"Flash sales" in page.content and b"Delivery texts" not in page.content

    def test_the_links_to_join_and_to_choose_open(self, demo: Answer) -> None:
        client = Client(headers={"accept": "text/html"})
        assert [each["number"] for each in demo["lists"] if each["join_url"]] == [1, 3]
        for each in demo["lists"]:
            for name in ("join_url", "ask_url", "preferences_url"):
                if each[name]:
                    status = client.get(urlsplit(each[name]).path).status_code
                    assert status == 200, (each["name"], name)

    def test_an_installation_of_before_gets_it(self, demo: Answer) -> None:
        reasons, consents = StatedReason.objects.count(), Consent.objects.count()
        for model in (Consent, StatedReason, RecipientMail, Logo):
            model._default_manager.all().delete()
        List.objects.update(frequency="", own_texts={}, reasons={}, join_is_open=False)

        again = seed()

        assert [each["join_url"] for each in again["lists"]] == [
            each["join_url"] for each in demo["lists"]
        ]
        assert Logo.objects.count() == 1
        assert (
            abs(StatedReason.objects.count() - reasons) < 10
        )  # others come back, who are not asked
        assert Consent.objects.count() == consents
        assert not Contact.objects.filter(realm__name="demo", fields={}).exists()

    def test_what_somebody_changed_stays(self, demo: Answer) -> None:
        Logo.objects.all().delete()
        List.objects.filter(number=1).update(join_is_open=False)

        assert seed()["lists"][0]["join_url"] is None
        assert not Logo.objects.exists()


@pytest.mark.django_db
class TestSecrets:
    def test_they_open_what_they_are_for(self, demo: Answer) -> None:
        credential = RealmCredential.objects.get()
        assert bytes(credential.secret_digest) == digest_password("demo", demo["realm"]["password"])
        assert credential.realm.name == "demo"
        for each in demo["lists"]:
            assert each["download_key"].startswith("hd_")
            key = DownloadKey.objects.get(secret_digest=digest_secret(each["download_key"]))
            assert key.optout_list.public_id == each["public_id"]
            assert key.is_active
            assert key.may_see_clear == key.optout_list.plain_download

    def test_a_password_as_it_was_kept_before_makes_room(self, demo: Answer) -> None:
        realm = Realm.objects.get(name="demo")
        old = digest_secret(demo["realm"]["password"])
        RealmCredential.objects.create(realm=realm, secret_digest=old)

        seed()

        assert bytes(RealmCredential.objects.get().secret_digest) != old

    def test_no_two_installations_share_them(self, settings: Any, demo: Answer) -> None:
        here = demo
        settings.SECRET_KEY = "another installation's key"
        elsewhere = seed()

        assert here["realm"]["password"] != elsewhere["realm"]["password"]
        for key in USERS:
            assert here["users"][key]["password"] != elsewhere["users"][key]["password"]
        for ours, theirs in zip(here["lists"], elsewhere["lists"], strict=True):
            assert ours["download_key"] != theirs["download_key"]


@pytest.mark.django_db
class TestLinks:
    """What the answer names works as it is printed."""

    def test_one_click_unsubscribes_the_sample_address(self, demo: Answer) -> None:
        for each in demo["lists"]:
            optout_list = List.objects.get(public_id=each["public_id"])

            response = Client().post(
                urlsplit(each["one_click_url"]).path,
                "List-Unsubscribe=One-Click",
                content_type="application/x-www-form-urlencoded",
            )

            assert response.status_code == 200, each["name"]
            assert is_suppressed(optout_list.pk, "sample@example.com"), each["name"]

    def test_the_pages_open(self, demo: Answer) -> None:
        for each in demo["lists"]:
            response = Client(headers={"accept": "text/html"}).get(urlsplit(each["page_url"]).path)

            assert response.status_code == 200, each["name"]

    def test_the_downloads_open_with_their_keys_from_allowed_addresses(self, demo: Answer) -> None:
        for each in demo["lists"]:
            response = Client(REMOTE_ADDR="127.0.0.2").get(
                urlsplit(each["download_url"]).path, {"key": each["download_key"]}
            )

            assert response.status_code == 200, each["name"]
            lines = b"".join(response).split()
            assert len(lines) > 100, each["name"]


@pytest.mark.django_db
class TestPeople:
    def test_each_can_sign_in(self, demo: Answer) -> None:
        for key, user in demo["users"].items():
            client = Client()

            response = client.post(
                "/manage/account/login/", {"login": user["email"], "password": user["password"]}
            )

            assert response.status_code == 302, key
            signed_in = User.objects.get(email=user["email"])
            assert client.session["_auth_user_id"] == str(signed_in.pk), key

    def test_each_has_the_place_that_the_name_promises(self, demo: Answer) -> None:
        users = demo["users"]
        people = {key: User.objects.get(email=each["email"]) for key, each in users.items()}
        roles = {
            key: Membership.objects.get(user=person).role
            for key, person in people.items()
            if key != "operator"
        }

        assert people["operator"].is_superuser
        assert roles == {
            "owner": Role.ADMIN,
            "list_owner": Role.OWNER,
            "mailer": Role.MAILER,
            "viewer": Role.VIEWER,
            "stranger": Role.ADMIN,
        }
        owned = ListAccess.objects.filter(membership__user=people["owner"])
        assert owned.count() == List.objects.filter(realm__name="demo").count()

    def test_the_mailer_may_download_two_lists(self, demo: Answer) -> None:
        mailer = User.objects.get(email=demo["users"]["mailer"]["email"])

        given = [each.public_id for each in get_standing(mailer, "demo").lists()]

        assert len(given) == 2
        assert all(open_list(mailer, each, Permission.DOWNLOAD) for each in given)

    def test_the_stranger_has_a_realm_of_their_own(self, demo: Answer) -> None:
        assert Membership.objects.get(user__email="stranger@hilltop.example").realm != (
            Realm.objects.get(name="demo")
        )


@pytest.mark.django_db
class TestMonth:
    def test_no_day_channel_or_list_is_empty(self, demo: Answer) -> None:
        optouts = OptOut.objects.filter(kind=Kind.OPT_OUT)
        assert 4_000 <= optouts.count() <= 8_000
        days = {at.date() for at in optouts.values_list("recorded_at", flat=True)}
        today = timezone.now().date()
        assert {today - timedelta(days=ago) for ago in range(1, 30)} <= days
        assert {
            *(Channel.PAGE, Channel.DIRECT_LINK, Channel.SIGNED_LINK, Channel.ONE_CLICK),
            *(Channel.PIXEL, Channel.S2S, Channel.API_WEB),
        } <= set(optouts.values_list("channel", flat=True))
        used = set(optouts.values_list("optout_list_id", flat=True))
        assert used == set(List.objects.filter(realm__name="demo").values_list("pk", flat=True))
        assert optouts.filter(is_new=False).exists()
        assert optouts.filter(left_lists__isnull=False).exists()

    def test_the_realms_password_was_used(self, demo: Answer) -> None:
        credential = RealmCredential.objects.get()
        commands = OptOut.objects.filter(channel=Channel.API_WEB)
        assert credential.last_used_at == max(commands.values_list("recorded_at", flat=True))
        assert all(each.evidence == {"credential": credential.pk} for each in commands)

    def test_its_api_key_was_used(self, demo: Answer) -> None:
        key = ApiKey.objects.get(label="Shop and newsletter system")
        reported = OptOut.objects.filter(channel=Channel.REST)
        assert 10 <= reported.count() <= 200
        assert key.last_used_at == max(reported.values_list("recorded_at", flat=True))
        assert all(each.evidence == {"api_key": key.pk} for each in reported)

    def test_nothing_lies_in_the_future(self, demo: Answer) -> None:
        now = timezone.now()
        assert not OptOut.objects.filter(recorded_at__gt=now).exists()
        assert not Download.objects.filter(started_at__gt=now).exists()
        assert not QuarantinedOptOut.objects.filter(last_refused_at__gt=now).exists()

    def test_each_lift_ended_a_suppression(self, demo: Answer) -> None:
        lifts = OptOut.objects.filter(kind=Kind.LIFT)
        assert set(lifts.values_list("reason", flat=True)) == {
            *(Reason.UNDONE, Reason.REVERTED, Reason.RETURNED)
        }
        assert not lifts.filter(is_new=False).exists()

    def test_there_is_something_to_decide(self, demo: Answer) -> None:
        waiting = QuarantinedOptOut.objects.filter(verdict=Verdict.WAITING)
        assert waiting.filter(optout_list__number=2).count() == 40
        assert waiting.filter(optout_list__number=4).exists()
        blocked = LimitCounter.objects.get(blocked_until__gt=timezone.now())
        assert Notice.objects.filter(subject=blocked.network, settled_at=None).count() == 1
        assert DownloadKey.objects.filter(is_active=False).count() == 1
        assert List.objects.exclude(closed_at=None).count() == 1

    def test_its_owner_finds_a_figure_on_every_screen(self, demo: Answer) -> None:
        user = demo["users"]["owner"]
        client = Client()
        client.post(
            "/manage/account/login/", {"login": user["email"], "password": user["password"]}
        )
        numbered = {each.number: each.public_id for each in List.objects.filter(realm__name="demo")}

        for path, seen in (
            ("/manage/", "Weekly garden letter"),
            ("/manage/lists/", "Seed club"),
            (f"/manage/lists/{numbered[1]}/entries", "@"),
            (f"/manage/lists/{numbered[2]}/quarantine", "203.0.113.77"),
            (f"/manage/lists/{numbered[4]}/quarantine", "198.51.100.77"),
            (f"/manage/lists/{numbered[1]}/access", "Blue Heron Mailing"),
            (f"/manage/lists/{numbered[4]}/service", "Partner offers"),
        ):
            response = client.get(path)

            assert response.status_code == 200, path
            assert seen in response.content.decode(), path
