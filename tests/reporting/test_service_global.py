import gzip
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from lists.choices import Role
from lists.global_unsubscribe import CUSTOM_FIELDS, EMAIL, forget_doors
from lists.models import GlobalUnsubscribe, List, Realm, RealmHost, User
from optout.choices import Channel, Kind
from optout.models import (
    GlobalLine,
    LimitCounter,
    OptOut,
    QuarantinedOptOut,
    Suppression,
)
from reporting.global_setup import snippets as snippets_global
from tests import make
from tests.reporting.portal import signed_in

LARGEST = 40 * 1024  # bytes, gzipped


def page_of(user: User, optout_list: List, tab: str = "api", **more: Any) -> str:
    url = f"/manage/lists/{optout_list.public_id}/service?tab={tab}"
    page = signed_in(user).get(url, **more).content.decode()
    return unescape(page.replace("<wbr>", ""))  # where lines may break


@pytest.fixture
def door(realm: Realm) -> GlobalUnsubscribe:
    return make.make_global_unsubscribe(realm)


@pytest.fixture
def mapped(door: GlobalUnsubscribe, optout_list: List) -> List:
    """A list that product 2 leads to."""
    make.make_product(optout_list.realm, 2, optout_list, name="Flash sales")
    return optout_list


def url_of(door: GlobalUnsubscribe) -> str:
    return f"{settings.BASE_URL}/g/{door.key}/unsubscribe/unsubscribe"


@pytest.mark.django_db
class TestPage:
    def test_it_is_filled_in_with_this_lists_values(
        self, bob: User, door: GlobalUnsubscribe, mapped: List
    ) -> None:
        make.make_product(mapped.realm, 3, mapped, name="Old sales", is_active=False)
        make.make_product(mapped.realm, 4, None, name="Shop")

        page = page_of(bob, mapped)

        assert ">2</code> <bdi>Flash sales</bdi></dd>" in page
        assert "Old sales" not in page
        assert "<bdi>Shop</bdi>" not in page
        for example in snippets_global.examples(url_of(door), 2):
            assert example.code in page
            assert example.answer in page
        for program in snippets_global.programs(url_of(door), 2):
            assert program.code in page
        assert f'href="/g/{door.key}/unsubscribe/preview?productId=2&website=' in page

    def test_by_a_host_name_of_the_realm_the_address_needs_no_key(
        self, bob: User, mapped: List
    ) -> None:
        RealmHost.objects.create(host="leave.acme.example", realm=mapped.realm)

        page = page_of(bob, mapped)

        assert "://leave.acme.example" in page
        assert "/unsubscribe/unsubscribe?responseType=api&productId=2" in page
        assert "/g/" not in page.replace("/unsubscribe/preview", "").replace('href="/g/', "")

    def test_do_not_mail_gets_what_names_no_product(
        self, alice: User, realm: Realm, door: GlobalUnsubscribe
    ) -> None:
        make.make_product(realm, 4, None, name="Shop")

        page = page_of(alice, make.do_not_mail(realm))

        assert (
            "none, or one that the realm does not have; also <code>4</code> <bdi>Shop</bdi>" in page
        )
        for example in snippets_global.examples(url_of(door), 0):
            assert example.code in page

    def test_the_stored_forms_that_lead_here_are_named(
        self, bob: User, alice: User, door: GlobalUnsubscribe, mapped: List
    ) -> None:
        realm = mapped.realm
        publisher = make.make_publisher(realm, name="North Media")
        product = realm.products.get()
        here = make.make_form(realm, publisher, name="North, footer", product=product)
        make.make_form(realm, publisher, name="Without product")
        make.make_form(realm, publisher, name="Put away", product=product, is_active=False)

        page = page_of(bob, mapped)

        assert f"<code>{here.uuid}</code>, for <bdi>North Media</bdi>" in page
        assert f'href="/g/{door.key}/unsubscribe/preview?uuid={here.uuid}"' in page
        assert f"{url_of(door)}?uuid={here.uuid}" in page
        assert "Without product" not in page
        assert "Put away" not in page
        assert "Without product" in page_of(alice, make.do_not_mail(realm))

    def test_mailers_see_what_they_may_use(
        self, realm: Realm, door: GlobalUnsubscribe, mapped: List
    ) -> None:
        publisher = make.make_publisher(realm, name="North Media")
        make.make_form(realm, publisher, product=realm.products.get())
        mailer = make.make_user("mailer@north.example")
        make.make_member(mailer, realm, Role.MAILER, mapped)

        page = page_of(mailer, mapped)

        assert snippets_global.examples(url_of(door), 2)[0].code in page
        assert "North Media" not in page
        assert "Settings › Global" not in page

    def test_it_says_whether_the_readers_server_is_allowed(
        self, bob: User, door: GlobalUnsubscribe, mapped: List
    ) -> None:
        assert "None is allowed yet." in page_of(bob, mapped)
        GlobalUnsubscribe.objects.update(server_ips=["203.0.113.5", "203.0.113.6"])

        page = " ".join(page_of(bob, mapped).split())
        allowed = " ".join(page_of(bob, mapped, REMOTE_ADDR="203.0.113.5").split())

        assert "2 addresses allowed;</strong> yours" in page
        assert "is not. Anybody may" in page
        assert "is among them. Anybody may" in allowed

    def test_a_list_that_no_product_leads_to_is_told_so(
        self, alice: User, bob: User, door: GlobalUnsubscribe, optout_list: List
    ) -> None:
        link = '<a href="/manage/settings/global/unsubscribe">Let a product lead here'
        for user in (alice, bob):
            page = page_of(user, optout_list)
            assert "No product leads to this list" in page
            assert "responseType=api" not in page
            assert (link in page) == (user == alice)

    def test_while_it_is_off_it_says_so(
        self, alice: User, bob: User, realm: Realm, optout_list: List
    ) -> None:
        link = '<a href="/manage/settings/global/unsubscribe">Switch it on'
        for _ in range(2):
            for user in (alice, bob):
                page = page_of(user, optout_list)
                assert "It is off in this realm." in page
                assert "/unsubscribe/unsubscribe" not in page
                assert (link in page) == (user == alice)
            if not GlobalUnsubscribe.objects.exists():
                make.make_global_unsubscribe(realm, is_on=False)

    def test_another_realms_products_are_none(
        self, bob: User, door: GlobalUnsubscribe, optout_list: List
    ) -> None:
        make.make_product(make.make_realm("other"), 2, optout_list)

        assert "No product leads to this list" in page_of(bob, optout_list)

    @pytest.mark.parametrize("tab", ["api", "test"])
    def test_it_is_small_and_quick(
        self, alice: User, bob: User, mapped: List, tab: str, django_assert_max_num_queries: Any
    ) -> None:
        realm = mapped.realm
        publisher = make.make_publisher(realm)
        for number in range(80, 3, -1):
            product = make.make_product(realm, number, mapped)
            make.make_form(realm, publisher, name=f"Form {number}", product=product)
            make.make_form(realm, publisher, name=f"Form {number}")
        RealmHost.objects.create(host="leave.acme.example", realm=realm)
        for user, each in ((bob, mapped), (alice, make.do_not_mail(realm))):
            client = signed_in(user)
            with django_assert_max_num_queries(10):
                page = client.get(f"/manage/lists/{each.public_id}/service?tab={tab}")

            assert len(gzip.compress(page.content)) <= LARGEST

    def test_the_first_50_products_and_forms_are_named_in_order(
        self, bob: User, mapped: List
    ) -> None:
        publisher = make.make_publisher(mapped.realm)
        for number in range(99, 40, -1):
            product = make.make_product(mapped.realm, number, mapped)
            make.make_form(mapped.realm, publisher, name=f"Form {number}", product=product)

        page = page_of(bob, mapped)

        numbers = re.findall(r"<code>(\d+)</code> <bdi>", page)
        assert numbers == ["2", *map(str, range(41, 90))]
        assert re.findall(r"<bdi>Form (\d+)</bdi>", page) == [*map(str, range(41, 91))]


@pytest.mark.django_db
class TestExamples:
    """What the page says is answered is answered, byte for byte."""

    def open(self, code: str) -> Any:
        parts = urlsplit(code)
        return Client().get(f"{parts.path}?{parts.query}", headers={"host": parts.netloc})

    @pytest.mark.parametrize("number", [0, 2])
    def test_each_is_answered_as_it_says(
        self, door: GlobalUnsubscribe, mapped: List, number: int
    ) -> None:
        publisher = make.make_publisher(mapped.realm)
        form = make.make_form(
            mapped.realm,
            publisher,
            fields=[EMAIL, CUSTOM_FIELDS[0]],
            labels={CUSTOM_FIELDS[0]: "Favourite flower"},
        )
        for example in snippets_global.examples(url_of(door), number, str(form.uuid)):
            response = self.open(example.code)

            said = response.content.decode()
            assert response.status_code == 200, example.title
            if example.is_exact:
                assert said == example.answer
            elif str(form.uuid) in example.code:
                assert "Favourite flower" in said
            else:
                for name in ("email", "phoneNumber", *CUSTOM_FIELDS):
                    assert f'name="{name}"' in said
                for label in ("Country", "City", "Reason"):
                    assert f">{label}<" in said

    def test_the_first_goes_to_the_list_and_into_the_report(
        self, door: GlobalUnsubscribe, mapped: List
    ) -> None:
        accepted, denied, *_ = snippets_global.examples(url_of(door), 2)

        self.open(accepted.code)
        self.open(denied.code)

        assert set(Suppression.objects.values_list("optout_list", "address")) == {
            (mapped.pk, "jane@example.com"),
            (mapped.pk, "+12025550123"),
        }
        line = GlobalLine.objects.get()
        assert (line.product_number, line.website) == (2, snippets_global.WEBSITE)
        assert (line.custom1, line.custom2, line.custom3) == ("Germany", "Berlin", "Too many")


@pytest.mark.django_db(transaction=True)
class TestProgramsAgainstAServer:
    """The programs are run as they stand on the page."""

    @pytest.fixture
    def served(self, live_server: Any, settings: Any, realm: Realm) -> GlobalUnsubscribe:
        settings.BASE_URL = live_server.url
        forget_doors()
        return make.make_global_unsubscribe(realm, server_ips=["127.0.0.1"])

    def run(
        self, served: GlobalUnsubscribe, slug: str, command: list[str], after: str = ""
    ) -> list[str]:
        programs = snippets_global.programs(url_of(served), 0)
        code = {each.slug: each.code for each in programs}[slug]
        finished = subprocess.run(
            command,
            input=f"{code}\n{after}\n",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return finished.stdout.split()

    def recorded(self) -> list[tuple[str, str, str, int]]:
        lines = GlobalLine.objects.order_by("id")
        return [(e.email, e.phone, e.website, e.unsubscribe_count) for e in lines]

    def check(self, said: list[str], yes: str, no: str) -> None:
        assert said == [yes, yes, no]
        assert self.recorded() == [
            ("jane+tag@example.com", "", "shop.example", 1),
            ("", "+12025550123", "shop.example", 1),
        ]

    @pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
    def test_curl(self, served: GlobalUnsubscribe) -> None:
        assert self.run(served, "curl", ["sh"]) == ["1"]
        assert self.recorded() == [("jane@example.com", "+12025550123", "shop.example", 1)]

    def test_python(self, served: GlobalUnsubscribe) -> None:
        after = (
            "print(unsubscribe('jane+tag@example.com'), unsubscribe(phone='+12025550123'),"
            " unsubscribe('nobody'))"
        )
        said = self.run(served, "python", [sys.executable, "-"], after)
        self.check(said, "True", "False")

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_node(self, served: GlobalUnsubscribe) -> None:
        after = (
            "(async () => { console.log(await unsubscribe('jane+tag@example.com'),"
            " await unsubscribe('', '+12025550123'), await unsubscribe('nobody')); })();"
        )
        self.check(self.run(served, "node", ["node", "-"], after), "true", "false")

    @pytest.mark.skipif(not shutil.which("php"), reason="needs php")
    def test_php(self, served: GlobalUnsubscribe) -> None:
        after = (
            "foreach ([['jane+tag@example.com', ''], ['', '+12025550123'], ['nobody', '']] as $asked)"
            " { echo unsubscribe(...$asked) ? 'true ' : 'false '; }"
        )
        self.check(self.run(served, "php", ["php"], after), "true", "false")


@pytest.mark.django_db
class TestRehearsal:
    def rehearse(self, user: User, optout_list: List) -> dict[str, Any]:
        url = f"/manage/lists/{optout_list.public_id}/service/test"
        trials = signed_in(user).post(url).context["trials"]
        return {each.channel: each for each in trials if each.channel.startswith("Global")}

    @pytest.mark.parametrize("accepts", ["email", "phone", "either"])
    def test_both_ways_are_tried_and_nothing_stays(
        self, bob: User, mapped: List, accepts: str
    ) -> None:
        List.objects.filter(pk=mapped.pk).update(accepts=accepts)
        mapped.refresh_from_db()

        trials = self.rehearse(bob, mapped)

        assert list(trials) == ["Global Unsubscribe API", "Global Unsubscribe form"]
        assert all(each.is_recorded for each in trials.values()), trials
        assert trials["Global Unsubscribe API"].answer == "1"
        assert trials["Global Unsubscribe API"].sent == "responseType=api, productId=2"
        assert trials["Global Unsubscribe form"].answer.startswith("200, ")
        assert not Suppression.objects.exists()
        assert not GlobalLine.objects.exists()
        assert not LimitCounter.objects.exists()
        recorded = OptOut.objects.filter(channel__in=(Channel.GLOBAL_API, Channel.GLOBAL_FORM))
        assert recorded.count() == 2
        assert all("Heed rehearsal" in each.agent for each in recorded)
        websites = {str((each.evidence or {}).get("website")) for each in recorded}
        assert len(websites) == 1
        assert websites.pop().endswith(".heed.invalid")

    def test_do_not_mail_needs_no_product(
        self, alice: User, realm: Realm, door: GlobalUnsubscribe
    ) -> None:
        trials = self.rehearse(alice, make.do_not_mail(realm))

        assert all(each.is_recorded for each in trials.values()), trials
        assert trials["Global Unsubscribe API"].sent == "responseType=api"
        assert not Suppression.objects.exists()
        assert not GlobalLine.objects.exists()

    def test_other_lines_of_the_report_stay(
        self, bob: User, mapped: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Numbers that are kept for fiction are few: somebody may have had one of them."""
        List.objects.filter(pk=mapped.pk).update(accepts="phone")
        monkeypatch.setattr("reporting.rehearsal.secrets.randbelow", lambda _most: 0)
        for number in range(7):
            make.make_global_request(mapped.realm, "", f"+1202555010{number}", product_number=2)

        trials = self.rehearse(bob, mapped)

        assert all(each.is_recorded for each in trials.values())
        assert GlobalLine.objects.count() == 7
        assert set(GlobalLine.objects.values_list("unsubscribe_count", flat=True)) == {1}
        assert Suppression.objects.count() == 7

    def test_a_list_in_protected_mode_says_so(self, alice: User, mapped: List) -> None:
        do_not_mail = make.do_not_mail(mapped.realm)
        do_not_mail.protected_until = timezone.now() + timedelta(hours=1)
        do_not_mail.save(update_fields=["protected_until"])

        trials = self.rehearse(alice, mapped)

        assert trials["Global Unsubscribe API"].answer == "429, 0"
        assert not trials["Global Unsubscribe API"].is_recorded
        assert not QuarantinedOptOut.objects.filter(verdict=1).exists()
        assert not GlobalLine.objects.exists()
        assert not Suppression.objects.exists()

    def test_it_is_left_out_where_it_does_not_lead(
        self, bob: User, realm: Realm, optout_list: List
    ) -> None:
        assert "left out: it is off in this realm" in page_of(bob, optout_list, "test")
        assert self.rehearse(bob, optout_list) == {}
        make.make_global_unsubscribe(realm)
        assert "left out: no product leads to this list" in page_of(bob, optout_list, "test")
        assert self.rehearse(bob, optout_list) == {}
        assert OptOut.objects.filter(kind=Kind.OPT_OUT).count() == 12
        make.make_product(realm, 2, optout_list)
        assert "its figures and chart count the two requests" in page_of(bob, optout_list, "test")
