"""Whose door it is (S1.3, S1.8): by the key in the URL, the host name, or because there is only one."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from lists.global_unsubscribe import forget_doors
from lists.models import GlobalUnsubscribe, Realm, RealmHost
from optout.models import GlobalLine, OptOut
from tests import make
from tests.optout.channels.cases import JANE, assert_nothing_recorded
from tests.optout.channels.global_unsubscribe.calls import PATH, call, get, post
from tests.pages import BROWSER, SERVER, PublicClient


@pytest.fixture
def other(realm: Realm) -> Realm:
    """A second realm, with a door of its own."""
    make.make_global_unsubscribe(realm)
    other = make.make_realm("other")
    make.make_global_unsubscribe(other)
    return other


def key_path(realm: Realm) -> str:
    return f"/g/{realm.global_unsubscribe.key}{PATH}"


def at_host(host: str, path: str = PATH) -> Any:
    headers = {**SERVER, "host": host}
    return get(f"responseType=api&email={JANE}", path=path, headers=headers)


def recorded_in() -> list[str]:
    found = OptOut.objects.order_by("id")
    return list(found.values_list("optout_list__realm__name", flat=True))


class TestWhose:
    def test_the_only_one_needs_no_name(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)
        make.make_realm("without a door")

        assert call(email=JANE).content == b"1"
        assert recorded_in() == ["acme"]

    def test_of_several_the_key_tells(self, realm: Realm, other: Realm) -> None:
        for each in (realm, other):
            assert call(email=JANE, path=key_path(each)).content == b"1"
            assert call(email=JANE, path=key_path(each) + "/").content == b"1"

        assert recorded_in() == ["acme", "acme", "other", "other"]

    def test_and_without_one_nobody_is_meant(self, other: Realm) -> None:
        response = call(email=JANE)

        assert (response.status_code, response.content) == (404, b"0")
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        "host",
        [
            "stop.other.example",
            "STOP.Other.Example",
            "stop.other.example:8443",
            "stop.other.example.",
            "stop.other.example.:80",
        ],
    )
    def test_or_the_host_name(self, other: Realm, host: str) -> None:
        RealmHost.objects.create(host="stop.other.example", realm=other)

        assert at_host(host).content == b"1"
        assert recorded_in() == ["other"]

    def test_also_an_ipv6_address(self, other: Realm) -> None:
        RealmHost.objects.create(host="[2001:db8::1]", realm=other)

        assert at_host("[2001:DB8::1]:8080").content == b"1"
        assert at_host("[2001:db8::1]").content == b"1"
        assert at_host("[2001:db8::2]").content == b"0"

    @pytest.mark.parametrize(
        "host",
        ["", "x.stop.other.example", "stop.other.example@x", "x" * 3_000, "[::1", "\x80", "::1"],
    )
    def test_no_other_host_name_does(self, other: Realm, host: str) -> None:
        RealmHost.objects.create(host="stop.other.example", realm=other)

        assert at_host(host).status_code == 404
        assert_nothing_recorded()

    def test_the_key_comes_before_the_host(self, realm: Realm, other: Realm) -> None:
        RealmHost.objects.create(host="stop.other.example", realm=other)

        at_host("stop.other.example", key_path(realm))

        assert recorded_in() == ["acme"]

    def test_a_host_that_leads_to_nobody_leads_to_the_only_one(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)

        assert at_host("any.example").content == b"1"

    @pytest.mark.parametrize("host", ["any.example", "127.0.0.1", "", "stop.other.example@x"])
    def test_of_several_to_the_one_that_has_our_own_name(
        self, realm: Realm, other: Realm, settings: Any, host: str
    ) -> None:
        """Whatever name or IP address the first realm's websites use, a second one changes nothing for them."""
        settings.BASE_URL = "https://optout.example"
        RealmHost.objects.create(host="optout.example", realm=realm)
        RealmHost.objects.create(host="stop.other.example", realm=other)

        assert at_host(host).content == b"1"
        assert recorded_in() == ["acme"]
        at_host("stop.other.example")
        assert recorded_in() == ["acme", "other"]

        GlobalUnsubscribe.objects.filter(realm=realm).update(is_on=False)
        forget_doors()
        assert at_host(host).status_code == 404, "and to nobody else while it is off"

    def test_a_key_that_nobody_has_leads_nowhere(self, realm: Realm) -> None:
        """Not to the only one: it was meant for somebody else."""
        make.make_global_unsubscribe(realm)

        for key in ("nosuchkey00", "x" * 32):
            response = call(email=JANE, path=f"/g/{key}{PATH}")
            assert (response.status_code, response.content) == (404, b"0")
        for key in ("", "short", "x" * 33, "a'b OR 1=1", "%00"):
            assert call(email=JANE, path=f"/g/{key}{PATH}").status_code == 404
        assert_nothing_recorded()


class TestOff:
    """S1.3: off by default; then both response types answer 404."""

    @pytest.mark.parametrize("is_made", [True, False])
    def test_404_for_both(self, realm: Realm, is_made: bool) -> None:
        if is_made:
            make.make_global_unsubscribe(realm, is_on=False)

        api, page, plain = call(email=JANE), get("", headers=BROWSER), get("")
        body = PublicClient(SERVER).send(PATH, {"responseType": "api", "email": JANE})

        assert [each.status_code for each in (api, page, plain, body)] == [404] * 4
        assert (api.content, body.content) == (b"0", b"0")
        assert api.headers["Access-Control-Allow-Origin"] == "*"
        assert page.headers["Content-Type"].startswith("text/html")
        assert plain.headers["Content-Type"].startswith("text/plain")
        assert_nothing_recorded()

    def test_one_that_is_off_still_has_its_hosts_and_is_one_of_two(self, realm: Realm) -> None:
        """What was meant for it goes to nobody else."""
        make.make_global_unsubscribe(realm)
        other = make.make_realm("other")
        make.make_global_unsubscribe(other, is_on=False)
        RealmHost.objects.create(host="stop.other.example", realm=other)

        assert at_host("stop.other.example").status_code == 404
        assert call(email=JANE).status_code == 404
        assert call(email=JANE, path=key_path(other)).status_code == 404
        assert_nothing_recorded()

    def test_it_can_be_switched(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)
        assert call(email=JANE).content == b"1"
        GlobalUnsubscribe.objects.update(is_on=False)
        assert call(email=JANE).status_code == 404


class TestOtherRealms:
    def test_their_products_forms_and_lists_are_not_ours(self, realm: Realm, other: Realm) -> None:
        make.make_product(other, 7, make.make_list(other))
        form = make.make_form(other, make.make_publisher(other, "theirs"))

        call(email=JANE, productId=7, uuid=form.uuid, path=key_path(realm))

        line = GlobalLine.objects.get()
        assert (line.realm, line.product_number, line.form, line.publisher) == (realm, 0, None, "")
        assert OptOut.objects.get().optout_list == make.do_not_mail(realm)

    def test_the_same_number_is_each_ones_own(self, realm: Realm, other: Realm) -> None:
        lists = [make.make_list(realm), make.make_list(other)]
        for each in lists:
            make.make_product(each.realm, 7, each)
            call(email=JANE, productId=7, path=key_path(each.realm))

        assert [row.optout_list for row in OptOut.objects.order_by("id")] == lists

    def test_limits_are_counted_apart(self, realm: Realm, other: Realm) -> None:
        for n in range(21):
            call(email=f"p{n}@example.com", path=key_path(realm))

        assert call(email="p30@example.com", path=key_path(realm)).status_code == 429
        assert call(email="p30@example.com", path=key_path(other)).content == b"1"


@pytest.mark.django_db(transaction=True)
class TestOutage:
    @pytest.fixture
    def _no_answer(self, realm: Realm) -> Iterator[None]:
        """The database is there, and does not answer within the time that we wait."""
        make.make_global_unsubscribe(realm)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '100ms'")
        with psycopg.connect(connection.connection.info.dsn) as someone:
            someone.execute("LOCK TABLE lists_globalunsubscribe IN ACCESS EXCLUSIVE MODE")
            yield
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")

    @pytest.mark.usefixtures("_no_answer")
    @pytest.mark.parametrize(
        ("query", "body"), [("responseType=api", ""), ("", "responseType=api")]
    )
    def test_0_for_a_script(self, query: str, body: str) -> None:
        response = post(body, query)

        assert (response.status_code, response.content) == (503, b"0")
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.headers["Retry-After"] == "30"
        assert response.headers["Access-Control-Allow-Origin"] == "*"

    @pytest.mark.usefixtures("_no_answer")
    def test_a_page_for_people(self) -> None:
        response = Client(headers=BROWSER).get(PATH)

        assert response.status_code == 503
        assert b"<h1>" in response.content
