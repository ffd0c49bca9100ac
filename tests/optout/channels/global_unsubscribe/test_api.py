"""The API: `1` or `0`, and the rows (S1.1–S1.8, S1.14, S1.19, S1.20)."""

import threading
import time
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from lists.models import List, Product, Realm, Subscription
from optout.choices import Assurance, Channel, RefusalCause
from optout.models import GlobalLine, OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import accept_quarantined
from tests import make
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.optout.channels.global_unsubscribe.calls import PATH, call, get, post
from tests.pages import BROWSER, IMAGE, SERVER, URLENCODED, PublicClient
from tests.threads import in_thread

PHONE = "+14155552671"
IP = "192.0.2.7"


@pytest.fixture
def dnm(realm: Realm) -> List:
    """The Do Not Mail of a realm with its Global Unsubscribe switched on."""
    make.make_global_unsubscribe(realm)
    return make.do_not_mail(realm)


def lines() -> list[tuple[str, str, int]]:
    return list(
        GlobalLine.objects.order_by("id").values_list("email", "phone", "unsubscribe_count")
    )


@pytest.mark.usefixtures("_it_is_on")
class TestApi(ChannelCases):
    """What every channel owes; a product leads to the list, and none to Do Not Mail."""

    channel = Channel.GLOBAL_API
    assurance = Assurance.PREFILLED
    agent = "PHP/8.3"
    protected_status = 429

    @pytest.fixture
    def _it_is_on(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)

    def send(self, target: Target) -> Any:
        found = List.objects.filter(pk=target.list_id).select_related("realm").first()
        if found is None or target.is_forged:
            return call(email=target.item, path=f"/g/nosuchkey00{PATH}")
        number = 0
        if not found.is_global:
            values = {"optout_list": found, "name": found.name}
            number = Product.objects.get_or_create(
                realm=found.realm, number=found.pk, defaults=values
            )[0].number
        key = found.realm.global_unsubscribe.key
        return call(f"email={target.item}", productId=number, path=f"/g/{key}{PATH}")


@pytest.mark.usefixtures("dnm")
class TestAnswer:
    """S1.5–S1.7: no form; exactly one character, plain text, 200, no line end."""

    @pytest.mark.parametrize(
        ("given", "body"),
        [
            ({"email": JANE}, b"1"),
            ({"phoneNumber": PHONE}, b"1"),
            ({"email": JANE, "phoneNumber": PHONE}, b"1"),
            ({}, b"0"),
            ({"email": "", "phoneNumber": "  "}, b"0"),
            ({"email": "NOT DEFINED", "phoneNumber": "not defined"}, b"0"),
            ({"email": "jane", "phoneNumber": "12"}, b"0"),
            ({"email": "(email)", "phoneNumber": "(phoneNumber)"}, b"0"),
            ({"customField1": "DE", "productId": "7", "website": "a.example"}, b"0"),
        ],
    )
    def test_1_for_success_and_0_for_denied(self, given: dict[str, str], body: bytes) -> None:
        response = call(**given)

        assert (response.status_code, response.content) == (200, body)
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Content-Length"] == "1"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Optout-Status"] == ("recorded" if body == b"1" else "rejected")
        if body == b"0":
            assert_nothing_recorded()

    @pytest.mark.parametrize("word", ["api", "API", "Api", "%20api%20"])
    def test_the_response_type_in_any_case(self, word: str) -> None:
        """S1.4."""
        assert get(f"responseType={word}&email={JANE}").content == b"1"

    @pytest.mark.parametrize(
        "query",
        ["", "responseType=", "responseType=json", "responseType=html", "responseType=apis"],
    )
    def test_any_other_one_is_the_form(self, query: str) -> None:
        """S1.4: the default, and what is unknown."""
        response = get(f"{query}&email={JANE}", headers=BROWSER)

        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/html")
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        ("given", "line"),
        [
            ({"email": JANE, "phoneNumber": "12"}, (JANE, "", 1)),
            ({"email": "jane@", "phoneNumber": PHONE}, ("", PHONE, 1)),
            ({"email": JANE, "phoneNumber": "(phoneNumber)"}, (JANE, "", 1)),
            ({"email": PHONE, "phoneNumber": PHONE}, ("", PHONE, 1)),
        ],
    )
    def test_one_usable_address_of_two_is_enough(
        self, given: dict[str, str], line: tuple[str, str, int]
    ) -> None:
        """S1.7, S1.14: the other is shown as NOT DEFINED, and never becomes a suppression (S1.19)."""
        assert call(**given).content == b"1"
        assert lines() == [line]
        assert Suppression.objects.get().address in line

    def test_both_addresses_are_suppressed(self, dnm: List) -> None:
        """S1.1: one request for email and SMS is one line of the report."""
        assert call(email=JANE, phoneNumber="(415) 555-2671").content == b"1"

        assert lines() == [(JANE, PHONE, 1)]
        found = Suppression.objects.values_list("optout_list_id", "address")
        assert set(found) == {(dnm.pk, JANE), (dnm.pk, PHONE)}
        first, second = OptOut.objects.order_by("id")
        assert (first.evidence, second.evidence) == (
            None,
            {"also": True, "raw": "(415)+555-2671"},
        )

    @pytest.mark.parametrize(
        "query",
        [
            "email=jane@example.com&email=joe@example.com",
            "email=jane@example.com&email=nonsense",
            "email=jane@example.com&phoneNumber=12&phoneNumber=13",
            "email=jane@example.com&website=a.example&website=b.example",
            "email=jane@example.com&productId=1&ProductID=2",
            "email=jane@example.com&pubID=1&pubid=2",
            "email=jane@example.com&uuid=1&uuid=2",
            "email=jane@example.com&customField2=1&customField2=2",
        ],
    )
    def test_parameters_that_differ_change_nothing(self, query: str) -> None:
        """AT-35-43."""
        assert call(query).content == b"0"
        assert_nothing_recorded()

    @pytest.mark.parametrize("kind", [URLENCODED, "multipart/form-data; boundary=b"])
    @pytest.mark.parametrize("more", [97, 100, 1_100])
    def test_what_stands_behind_many_fields_may_contradict(self, kind: str, more: int) -> None:
        """More than 100 are not read."""
        names = ["responseType=api", f"email={JANE}", *["x=1"] * more, "email=joe@example.com"]
        body = "&".join(names)
        if kind != URLENCODED:
            part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
            body = "".join(part.format(*each.split("=")) for each in names) + "--b--\r\n"
        else:
            assert get(body).content == b"0"

        assert post(body, "responseType=api", kind=kind).content == b"0"
        assert_nothing_recorded()

    def test_a_hundred_fields_are_read(self) -> None:
        query = "&".join(["responseType=api", *["x=1"] * 98, f"email={JANE}"])

        assert get(query).content == post(query).content == b"1"
        assert get(f"{query}&x=1").content == b"0"
        page = get(f"{query[17:]}&x=1&x=1&x=1", headers=BROWSER)
        assert page.status_code == 400

    @pytest.mark.parametrize("word", ["html", "HTML", "json", "apis"])
    def test_two_response_types_are_the_form(self, word: str) -> None:
        response = get(f"responseType=api&email={JANE}&responseType={word}", headers=BROWSER)

        assert response.headers["Content-Type"].startswith("text/html")
        assert_nothing_recorded()

    def test_parameters_that_only_look_different_are_one(self) -> None:
        same = (
            "email=Jane@Example.com&website=https://A.example/&website=a.example&productId=07&productId=7"
            "&phoneNumber=%2B1 415 555 2671&phoneNumber=%2B14155552671"
        )

        assert call(f"email={JANE}&responseType=API&{same}").content == b"1"
        assert lines() == [(JANE, PHONE, 1)]


@pytest.mark.usefixtures("dnm")
class TestWhoMayNotAct:
    def test_head_writes_nothing(self) -> None:
        response = PublicClient(SERVER).head(f"{PATH}?responseType=api&email={JANE}")

        assert (response.status_code, response.content) == (200, b"")
        assert_nothing_recorded()

    @pytest.mark.parametrize("header", ["sec-purpose", "purpose", "x-moz"])
    def test_a_browser_that_loads_ahead_writes_nothing(self, header: str) -> None:
        headers = {**BROWSER, header: "prefetch"}

        response = get(f"responseType=api&email={JANE}", headers=headers)

        assert (response.status_code, response.content) == (200, b"0")
        assert_nothing_recorded()

    @pytest.mark.parametrize("headers", [BROWSER, IMAGE, SERVER, {}, {"user-agent": "bot"}])
    def test_everybody_else_may(self, headers: dict[str, str]) -> None:
        """S1.5: it works immediately, from a website's script, an image or a server."""
        assert get(f"responseType=api&email={JANE}", headers=headers).content == b"1"


class TestCounting:
    def test_a_repeat_counts_up(self, dnm: List) -> None:
        """S1.20: one line, one suppression, and every request in the ledger."""
        for email in (JANE, "JANE@example.com", "%20jane@example.com%20"):
            assert call(f"email={email}", website="a.example").content == b"1"

        assert lines() == [(JANE, "", 3)]
        assert Suppression.objects.count() == 1
        assert OptOut.objects.filter(channel=Channel.GLOBAL_API).count() == 3

    @pytest.mark.parametrize(
        "other",
        [
            {"phoneNumber": PHONE},
            {"website": "b.example"},
            {"productId": "7"},
            {"email": "joe@example.com"},
        ],
    )
    def test_another_combination_is_another_line(self, dnm: List, other: dict[str, str]) -> None:
        """S1.20."""
        make.make_product(dnm.realm, 7)
        first = {"email": JANE, "website": "a.example"}

        call(**first)
        call(**{**first, **other})

        assert [count for _email, _phone, count in lines()] == [1, 1]

    @pytest.mark.parametrize("other", [{"customField1": "x"}, {"pubID": "x"}, {"productId": "99"}])
    def test_the_rest_makes_no_line_of_its_own(self, dnm: List, other: dict[str, str]) -> None:
        """S1.20; and an unknown product is product 0 (S1.15)."""
        call(email=JANE)
        call(email=JANE, **other)

        assert lines() == [(JANE, "", 2)]

    @pytest.mark.django_db(transaction=True)
    def test_20_at_the_same_moment_are_20(self, dnm: List) -> None:
        """S1.20, AT-47."""
        List.objects.update(limit_block=100)
        start = threading.Barrier(20)

        def request() -> bytes:
            start.wait(timeout=20)
            answer: bytes = call(email=JANE, phoneNumber=PHONE).content
            return answer

        answers = [in_thread(request) for _ in range(20)]

        assert {each.result(timeout=30) for each in answers} == {b"1"}
        assert lines() == [(JANE, PHONE, 20)]
        assert Suppression.objects.count() == 2
        assert OptOut.objects.count() == 40

    def test_what_it_costs(self, dnm: List, settings: Any, django_assert_num_queries: Any) -> None:
        """Two statements: the limit, and the recording of all of it."""
        settings.LIST_CACHE_SECONDS = 60
        call(email=JANE)

        with django_assert_num_queries(2):
            call(email=JANE, website="a.example", customField1="x")
        with django_assert_num_queries(3):
            call(email=JANE, phoneNumber=PHONE)


class TestWhereItGoes:
    def test_without_a_product_to_do_not_mail(self, realm: Realm, optout_list: List) -> None:
        make.make_global_unsubscribe(realm)
        make.make_subscription(optout_list)

        call(email=JANE)

        assert Suppression.objects.get().optout_list == make.do_not_mail(realm)
        assert not Subscription.objects.exists()

    def test_by_a_product_to_its_list_alone(self, dnm: List) -> None:
        """The mapping is a setting of the realm."""
        garden = make.make_list(dnm.realm)
        make.make_product(dnm.realm, 7, garden)

        assert call(email=JANE, phoneNumber=PHONE, productId=7).content == b"1"

        assert {each.optout_list for each in Suppression.objects.all()} == {garden}
        assert {each.optout_list for each in OptOut.objects.all()} == {garden}
        assert GlobalLine.objects.get().product_number == 7

    def test_by_a_product_without_a_list_to_do_not_mail(self, dnm: List) -> None:
        make.make_product(dnm.realm, 7)

        call(email=JANE, productId=7)

        assert Suppression.objects.get().optout_list == dnm
        assert GlobalLine.objects.get().product_number == 7

    def test_every_accepted_request_is_in_the_ledger_with_its_evidence(self, dnm: List) -> None:
        make.make_product(dnm.realm, 7)
        form = make.make_form(dnm.realm, make.make_publisher(dnm.realm))

        call(
            email=JANE,
            phoneNumber=PHONE,
            productId=7,
            uuid=form.uuid,
            website="a.example",
            customField1="DE",
        )

        first, second = OptOut.objects.order_by("id")
        evidence = {
            "product": 7,
            "website": "a.example",
            "publisher": "p1",
            "uuid": str(form.uuid),
            "custom1": "DE",
        }
        assert first.evidence == evidence
        assert second.evidence == {**evidence, "also": True}
        assert (first.ip, first.agent, first.channel) == (IP, "PHP/8.3", Channel.GLOBAL_API)


class TestLimits:
    """S0.12, AT-01, AT-02: whoever has no signature is counted, and nothing that is refused is lost."""

    def test_1000_addresses_from_one_ip(self, dnm: List, settings: Any) -> None:
        settings.LIST_CACHE_SECONDS = 60
        answers = [call(email=f"p{n}@example.com", website="a.example") for n in range(1_000)]

        assert [each.content for each in answers] == [b"1"] * 20 + [b"0"] * 980
        assert {each.status_code for each in answers[20:]} == {429}
        refused = answers[-1]
        assert refused.headers["Optout-Status"] == "quarantined"
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
        assert Suppression.objects.count() == GlobalLine.objects.count() == 20
        assert QuarantinedOptOut.objects.count() == 980
        kept = QuarantinedOptOut.objects.get(address="p999@example.com")
        assert (kept.optout_list, kept.channel) == (dnm, Channel.GLOBAL_API)
        assert kept.global_requests is not None
        (report,) = kept.global_requests
        assert (report["email"], report["website"]) == ("p999@example.com", "a.example")

        accept_quarantined(dnm, Q(), actor=None, now=make.NOW)
        assert GlobalLine.objects.count() == Suppression.objects.count() == 1_000

    def test_a_request_with_two_addresses_counts_as_two(self, dnm: List) -> None:
        answers = [
            call(email=f"p{n}@example.com", phoneNumber=f"+1415555{2000 + n}").content
            for n in range(11)
        ]

        assert answers == [b"1"] * 10 + [b"0"]
        kept = QuarantinedOptOut.objects.order_by("id")
        assert [each.address for each in kept] == ["p10@example.com", "+14155552010"]
        assert [len(each.global_requests or ()) for each in kept] == [1, 1], (
            "each may be accepted alone"
        )

    def test_it_is_kept_for_the_list_of_its_product(self, dnm: List) -> None:
        """Counted against Do Not Mail, whichever list it goes to: another product frees no place."""
        garden = make.make_list(dnm.realm)
        make.make_product(dnm.realm, 7, garden)
        for n in range(20):
            call(email=f"p{n}@example.com")

        assert call(email=JANE, productId=7).content == b"0"
        assert QuarantinedOptOut.objects.get().optout_list == garden

    def test_the_same_address_again_is_no_other_one(self, dnm: List) -> None:
        for _ in range(30):
            assert call(email=JANE).content == b"1"

    def test_a_server_of_the_realms_publishers_is_not_counted(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm, server_ips=[IP])

        for n in range(60):
            assert call(email=f"p{n}@example.com").content == b"1"

        assert Suppression.objects.count() == 60
        assert set(OptOut.objects.values_list("assurance", flat=True)) == {Assurance.WHITELISTED_IP}

    def test_the_whitelist_of_do_not_mail_is_another_one(self, dnm: List) -> None:
        List.objects.update(whitelist=[IP])

        call(email=JANE)

        assert OptOut.objects.get().assurance == Assurance.PREFILLED

    def test_in_protected_mode_it_waits(self, dnm: List) -> None:
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))

        response = call(email=JANE, phoneNumber=PHONE)

        assert (response.status_code, response.content) == (429, b"0")
        assert "Retry-After" not in response.headers, "trying again is of no use"
        causes = QuarantinedOptOut.objects.values_list("cause", flat=True)
        assert list(causes) == [RefusalCause.PROTECTED_MODE] * 2
        assert not OptOut.objects.exists()

    def test_denied_requests_are_not_counted(self, dnm: List) -> None:
        for n in range(50):
            call(email=f"nonsense{n}")

        assert call(email=JANE).content == b"1"


@pytest.mark.usefixtures("dnm")
class TestBodies:
    """S1.8: GET and POST; what old scripts put where."""

    ALL = f"responseType=api&email={JANE}&website=a.example"

    def test_everything_in_the_body(self) -> None:
        assert post(self.ALL).content == b"1"
        assert GlobalLine.objects.get().website == "a.example"

    def test_everything_in_the_query_of_a_post(self) -> None:
        assert post("", self.ALL).content == b"1"

    def test_some_here_and_some_there(self) -> None:
        assert post(f"email={JANE}", "responseType=api&website=a.example").content == b"1"
        assert GlobalLine.objects.get().website == "a.example"

    def test_twice_the_same(self) -> None:
        assert post(self.ALL, self.ALL).content == b"1"

    def test_twice_something_else_is_a_contradiction(self) -> None:
        assert post("email=joe@example.com", self.ALL).content == b"0"
        assert_nothing_recorded()

    def test_multipart(self) -> None:
        given = {"responseType": "api", "email": "Jane+x@example.com", "phoneNumber": PHONE}
        assert PublicClient(SERVER).post(PATH, given).content == b"1"
        assert lines() == [("jane+x@example.com", PHONE, 1)]

    def test_a_type_that_is_none(self) -> None:
        assert post(self.ALL, kind="text/plain").content == b"1"
        assert post(self.ALL, kind="").content == b"1"

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ('{"email": "joe@example.com", "x": "&email=joe@example.com"}', "application/json"),
            ('{"email": "joe@example.com", "x": "&email=joe@example.com"}', "text/plain"),
            ('["&email=joe@example.com"]', "application/vnd.api+json"),
            ("<email>joe@example.com&email=joe@example.com</email>", "text/xml"),
            ("--b\r\nbroken--b--", "multipart/form-data; boundary=b"),
            (b"\x00\xff&=&%", "application/octet-stream"),
        ],
    )
    def test_of_one_that_cannot_be_read_nothing_counts(self, body: str, kind: str) -> None:
        """But the URL does."""
        assert post(body, self.ALL, kind=kind).content == b"1"
        assert lines() == [(JANE, "", 1)]
        assert post(body, "responseType=api", kind=kind).content == b"0"

    def test_a_thousand_fields_take_no_time(self) -> None:
        """AT-35-43."""
        part = '--b\r\nContent-Disposition: form-data; name="website"\r\n\r\n' + "ü" * 900 + "\r\n"
        seconds = []
        for _attempt in range(3):  # the least of three: a collection of garbage may fall into one
            started = time.process_time()
            answer = post(
                part * 990 + "--b--\r\n", self.ALL, kind="multipart/form-data; boundary=b"
            )
            seconds.append(time.process_time() - started)
            assert answer.content == b"0"

        assert min(seconds) < 0.5  # nearly all of it is Django's parser

    def test_a_multipart_body_without_its_end_was_cut_off(self) -> None:
        part = '--b\r\nContent-Disposition: form-data; name="email"\r\n\r\njane@example.co'

        response = post(part, "responseType=api", kind="multipart/form-data; boundary=b")

        assert (response.status_code, response.content) == (400, b"0")
        assert_nothing_recorded()

    @pytest.mark.parametrize("query", ["responseType=api", ""])
    def test_a_body_that_was_cut_off(self, query: str) -> None:
        """Also where the response type came in what there is of it."""
        body = "responseType=api&email=jane@example.co"
        cut: Any = {"QUERY_STRING": query, "CONTENT_LENGTH": str(len(body) + 1)}
        cut["wsgi.input"] = BytesIO(body.encode())

        response = PublicClient(SERVER).generic("POST", PATH, body, URLENCODED, **cut)

        assert (response.status_code, response.content) == (400, b"0")
        assert response.headers["Optout-Status"] == "rejected"
        assert_nothing_recorded()

    def test_a_body_that_is_too_big(self, settings: Any) -> None:
        response = post(b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), self.ALL)

        assert (response.status_code, response.content) == (413, b"0")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert_nothing_recorded()
