"""Messages of the Send editor over REST: previewed, sent, read and stopped."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from lists.lookup import snapshot
from lists.models import AuditEntry, List, Realm, SmsNumber
from reporting.models.messages import TextMessage, TextState
from reporting.send_editor import recipients
from tests import make
from tests.reporting.rest.messages import NUMBER, Program, make_example_message
from tests.reporting.rest.rows import count_rows

pytestmark = pytest.mark.django_db

ANN, BEN, CLEO = "+14155550101", "+14155550102", "+14155550103"
SENTENCE = "The opt-out link is only available when sending to a list."
SALE = "Sale on Friday. Opt out: {optout}"


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


@pytest.fixture(autouse=True)
def people(realm: Realm, optout_list: List) -> None:
    """Three with a phone, one of whom opted out and was left over on the list, and one with an email address alone."""
    for each in (ANN, BEN, CLEO, "dora@example.com"):
        make.make_contact(realm, each, optout_list)
    make.make_optout(make.do_not_mail(realm), CLEO)
    make.make_subscription(optout_list, CLEO)
    SmsNumber.objects.create(realm=realm, number=NUMBER)


def send(program: Program, **fields: Any) -> Any:
    """A message to the list, with other fields."""
    body = {"list": 1, "text": SALE} | fields
    return program.post(
        "/text-messages", {name: each for name, each in body.items() if each != ...}
    )


def refused(answer: Any, pointer: str) -> str:
    """The sentence with which a field was refused."""
    assert answer.status_code == 422, answer.content
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    detail: str = error["detail"]
    return detail


class TestSend:
    def test_a_message_to_a_list_is_kept_for_the_worker(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        answer = send(program, **{"from": NUMBER})

        assert answer.status_code == 202, answer.content
        message = TextMessage.objects.get()
        assert answer.json() == {
            "id": message.public_id,
            "state": "sending",
            "list": 1,
            "to": None,
            "from": NUMBER,
            "text": SALE,
            "recipients": 2,
            "sent": 0,
            "refused": 0,
            "unknown": 0,
            "created_at": answer.json()["created_at"],
            "finished_at": None,
        }
        assert (message.optout_list, message.number, message.text, message.sender) == (
            *(optout_list, "", SALE, NUMBER),
        )
        assert message.made_by is None and message.made_by_key is not None

    def test_they_are_counted_once(self, program: Program, realm: Realm, optout_list: List) -> None:
        """Not each time somebody looks: that would take seconds for a large list."""
        path = f"/text-messages/{send(program).json()['id']}"
        make.make_contact(realm, "+14155550104", optout_list)
        assert program.get(path).json()["recipients"] == 2

    def test_nothing_is_sent_to_nobody(self, program: Program, realm: Realm) -> None:
        make.make_list(realm, 2, "New")
        said = refused(send(program, list=2), "#/list")

        assert said.startswith("Nobody on this list can get a text message.")
        body = {"list": 2, "text": SALE}
        assert program.post("/text-messages/preview", body).json()["warnings"] == [said]
        assert not TextMessage.objects.exists()

    def test_it_is_in_the_audit_without_its_text(self, program: Program) -> None:
        send(program)
        entry = AuditEntry.objects.latest("pk")
        assert entry.action == "send_text_message" and entry.actor is None
        assert "Sale" not in str(entry.detail)

    def test_it_comes_from_the_number_of_that_list(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        SmsNumber.objects.create(realm=realm, number="+18005550111", optout_list=optout_list)
        assert send(program).json()["from"] == "+18005550111"

    def test_a_short_code_may_be_its_number(self, program: Program, realm: Realm) -> None:
        SmsNumber.objects.create(realm=realm, number="55501")
        assert send(program, **{"from": "55501"}).json()["from"] == "55501"

    def test_a_number_whose_stop_ends_another_list_alone_is_none_for_it(
        self, program: Program, realm: Realm
    ) -> None:
        other = make.make_list(realm, 5, "Deliveries", sms_stop_scope="list")
        SmsNumber.objects.create(realm=realm, number="+18005550111", optout_list=other)
        answer = send(program, **{"from": "+18005550111"})

        assert "ends the messages of another list alone" in refused(answer, "#/from")
        assert not TextMessage.objects.exists()

    def test_one_to_a_single_number(self, program: Program) -> None:
        answer = send(program, list=..., to="(415) 555-0109", text="Your code is 12.")

        told = answer.json()
        assert (told["list"], told["to"], told["recipients"]) == (None, "+14155550109", 1)
        assert TextMessage.objects.get().number == "+14155550109"

    @pytest.mark.parametrize("placeholder", ["{optout}", "{ Opt-Out }", "{OPTOUT}"])
    def test_a_link_to_a_single_number_is_refused_with_the_reason(
        self, program: Program, placeholder: str
    ) -> None:
        for path in ("", "/preview"):
            body = {"to": ANN, "text": f"Hello {placeholder}"}
            answer = program.post(f"/text-messages{path}", body)
            assert refused(answer, "#/text") == SENTENCE
        assert not TextMessage.objects.exists()

    def test_one_call_with_a_name_is_one_message(self, program: Program) -> None:
        body = {"list": 1, "text": SALE}
        first, second = (
            program.post("/text-messages", body, idempotency_key="sale-1") for _ in range(2)
        )

        assert first.json() == second.json() and first.json()["from"] == ""
        assert second.headers["Idempotent-Replayed"] == "true"
        assert TextMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestAListThatTakesTooLongToCount:
    @pytest.fixture(autouse=True)
    def _long(self, people: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(recipients, "COUNT_SECONDS", 0.05)
        with psycopg.connect(connection.connection.info.dsn) as someone:
            someone.execute("LOCK TABLE lists_subscription IN ACCESS EXCLUSIVE MODE")
            yield

    @pytest.mark.parametrize("headers", [{}, {"idempotency_key": "sale-1"}])
    def test_it_is_sent_all_the_same(self, program: Program, headers: dict[str, str]) -> None:
        body = {"list": 1, "text": SALE}
        first, second = (program.post("/text-messages", body, **headers) for _ in range(2))

        assert (first.status_code, first.json()["recipients"]) == (202, None)
        assert TextMessage.objects.count() == (1 if headers else 2)
        assert (first.json() == second.json()) is bool(headers)

    def test_a_transaction_around_it_goes_on(self, optout_list: List) -> None:
        with transaction.atomic():
            assert recipients.count_recipients(snapshot(optout_list)) is None
            assert List.objects.filter(pk=optout_list.pk).exists()

    def test_it_is_looked_at_all_the_same(self, program: Program) -> None:
        told = program.post("/text-messages/preview", {"list": 1, "text": SALE}).json()
        assert (told["recipients"], told["left_out"], told["segments"]) == (None, None, 1)


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"to": ANN}, "#/list"),
            ({"list": ...}, "#/list"),
            ({"list": None}, "#/list"),
            ({"list": 0}, "#/list"),
            ({"list": "1"}, "#/list"),
            ({"list": 10**20}, "#/list"),
            ({"list": ..., "to": "nobody", "text": "Hi"}, "#/to"),
            ({"list": ..., "to": "jane@example.com", "text": "Hi"}, "#/to"),
            ({"list": ..., "to": "٣", "text": "Hi"}, "#/to"),
            ({"list": ..., "to": CLEO, "text": "Hi"}, "#/to"),  # in Do Not Mail
            ({"text": ""}, "#/text"),
            ({"text": " \n"}, "#/text"),
            ({"text": "\0"}, "#/text"),
            ({"text": "\ud800"}, "#/text"),
            ({"text": "x" * 1_601}, "#/text"),
            ({"text": "💩" * 400}, "#/text"),
            ({"text": "x" * 2_000_000}, "#/text"),
            ({"text": None}, "#/text"),
            ({"text": ["Hi"]}, "#/text"),
            ({"from": "+18005550198"}, "#/from"),  # none of the realm's
            ({"from": "Acme"}, "#/from"),
            ({"from": "55502"}, "#/from"),
            ({"form": NUMBER}, "#/form"),
        ],
    )
    def test_each_is_named_and_nothing_is_sent(
        self, program: Program, fields: dict[str, Any], pointer: str
    ) -> None:
        before = count_rows()
        detail = refused(send(program, **fields), pointer)

        assert detail and "jane" not in detail
        assert count_rows() == before

    def test_a_list_that_is_closed(self, program: Program, optout_list: List) -> None:
        List.objects.filter(pk=optout_list.pk).update(closed_at=make.NOW)
        assert "closed" in refused(send(program), "#/list")

    def test_a_number_of_another_realm(self, program: Program) -> None:
        SmsNumber.objects.create(realm=make.make_realm("other"), number="+18005550111")
        refused(send(program, **{"from": "+18005550111"}), "#/from")

    def test_where_there_is_no_gateway(self, program: Program, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"
        assert "gateway" in refused(send(program), "#/list")
        answer = send(program, list=..., to=ANN, text="Hi")
        assert "gateway" in refused(answer, "#/to")

    def test_a_key_for_some_lists_sends_to_no_single_number(
        self, realm: Realm, optout_list: List
    ) -> None:
        program = Program(realm, optout_list)
        assert send(program, list=..., to=ANN, text="Hi").status_code == 403
        assert send(program).status_code == 202


class TestPreview:
    def preview(self, program: Program, **fields: Any) -> Any:
        answer = program.post("/text-messages/preview", fields)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def test_it_tells_length_text_and_how_many(self, program: Program) -> None:
        before = count_rows()
        told = self.preview(program, list=1, text=SALE)

        start, _, link = told["text"].partition("Opt out: ")
        assert (start, link[:21], len(link)) == ("Sale on Friday. ", "http://localhost:8000", 46)
        told.pop("text")
        assert told == {
            "encoding": "GSM-7",
            "segments": 1,
            "characters": 71,
            "units": 71,
            "recipients": 2,
            "left_out": 1,
            "warnings": [],
        }
        assert count_rows() == before

    def test_what_takes_two_places_is_one_character(self, program: Program) -> None:
        told = self.preview(program, list=1, text="x" * 158 + "€")
        assert (told["characters"], told["units"], told["segments"]) == (159, 160, 1)

    def test_its_link_is_nobody_s_of_the_list(self, program: Program) -> None:
        links = program.post("/opt-out-links", {"list": 1, "phones": [ANN, BEN]}).json()["links"]
        told = self.preview(program, list=1, text="{optout}")
        assert told["text"] not in [each["link"] for each in links]

    @pytest.mark.parametrize(
        ("text", "encoding", "segments"),
        [
            ("x" * 160, "GSM-7", 1),
            ("x" * 161, "GSM-7", 2),
            ("€" * 80, "GSM-7", 1),
            ("я" * 70, "UCS-2", 1),
            ("я" * 71, "UCS-2", 2),
        ],
    )
    def test_segments(self, program: Program, text: str, encoding: str, segments: int) -> None:
        told = self.preview(program, to=ANN, text=text)
        assert (told["encoding"], told["segments"], told["text"]) == (encoding, segments, text)

    @pytest.mark.parametrize(("to", "count"), [(ANN, (1, 0)), (CLEO, (0, 1))])
    def test_a_single_number(self, program: Program, to: str, count: tuple[int, int]) -> None:
        told = self.preview(program, to=to, text="Hi")
        assert (told["recipients"], told["left_out"]) == count

    def test_nothing_is_asked_of_the_gateway(self, program: Program, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"
        assert self.preview(program, list=1, text="Hi")["recipients"] == 2


class TestOne:
    @pytest.fixture
    def message(self, optout_list: List) -> TextMessage:
        SmsNumber.objects.all().delete()
        return make_example_message(optout_list)

    def test_how_far_it_is(self, program: Program, message: TextMessage) -> None:
        TextMessage.objects.update(sent=700, refused=3, unknown=1)
        path = f"/text-messages/{message.public_id}"
        told = program.get(path).json()
        assert (told["state"], told["recipients"], told["finished_at"]) == ("sending", 1_200, None)
        assert (told["sent"], told["refused"], told["unknown"]) == (700, 3, 1)

        TextMessage.objects.update(state=TextState.DONE, finished_at=make.NOW)
        told = program.get(path).json()
        assert (told["state"], told["recipients"]) == ("done", 704)
        assert told["finished_at"] == "2026-03-04T12:00:00Z"

    def test_stop_is_for_good_and_may_be_said_twice(
        self, program: Program, message: TextMessage
    ) -> None:
        before = timezone.now().replace(microsecond=0)
        first = program.post(f"/text-messages/{message.public_id}/stop")
        second = program.post(f"/text-messages/{message.public_id}/stop")

        assert first.status_code == 200 and first.json() == second.json()
        assert first.json()["state"] == "stopped"
        message.refresh_from_db()
        assert message.finished_at is not None and message.finished_at >= before
        assert AuditEntry.objects.filter(action="stop_text_message").count() == 1

    def test_what_is_done_stays_done(self, program: Program, message: TextMessage) -> None:
        TextMessage.objects.update(state=TextState.DONE, finished_at=make.NOW)
        assert program.post(f"/text-messages/{message.public_id}/stop").json()["state"] == "done"

    @pytest.mark.parametrize("name", ["q8LmZkTnRw2vYx4C", "preview2", "٣", "%00", "9" * 300])
    def test_another_id(self, program: Program, message: TextMessage, name: str) -> None:
        assert program.get(f"/text-messages/{name}").status_code == 404
        assert program.post(f"/text-messages/{name}/stop").status_code == 404

    def test_one_to_a_single_number_is_for_keys_of_the_whole_realm(
        self, realm: Realm, optout_list: List
    ) -> None:
        made = send(Program(realm), list=..., to=ANN, text="Hi").json()
        path = f"/text-messages/{made['id']}"
        assert Program(realm).get(path).json()["to"] == ANN
        assert Program(realm, optout_list).get(path).status_code == 404
