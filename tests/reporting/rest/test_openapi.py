"""The description says what is so: of every operation, in full, and its examples are what really comes."""

import json
from typing import Any

import pytest
from django.test import Client
from jsonschema_rs import validator_for
from pytest_django.fixtures import Settings

from lists.models import Contact, List, Realm
from optout.channels.rest.problems import Kind
from reporting.rest.examples import EXAMPLES
from reporting.rest.meanings import MEANINGS
from reporting.rest.openapi import HEADINGS, READING_POSTS, TAGS, UNSAVED_POSTS, describe
from reporting.webhooks.payloads import BATCH, LIFT, OPT_OUT, TEST
from tests import make
from tests.reporting.rest.messages import make_example_message
from tests.reporting.rest.operations import operation_ids, operations
from tests.reporting.rest.webhooks import make_example_webhook

JSON = "application/json"


def read() -> Any:
    return Client().get("/api/v1/openapi.json")


class TestDescription:
    def test_anybody_may_have_it_and_keep_it(self) -> None:
        answer = read()

        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == JSON
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        again = Client().get(
            "/api/v1/openapi.json", headers={"if-none-match": answer.headers["ETag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        head = Client().head("/api/v1/openapi.json")
        assert (head.content, head.headers["Content-Length"]) == (b"", str(len(answer.content)))

    def test_it_says_where_it_is_and_what_it_is(self, settings: Settings) -> None:
        settings.BASE_URL = "https://optout.example.com"
        description = read().json()

        assert description["openapi"] == "3.1.0"
        assert description["info"]["version"]
        assert description["servers"] == [{"url": "https://optout.example.com"}]
        assert description["components"]["securitySchemes"]["key"]["scheme"] == "bearer"

    def test_the_paths_of_the_issue_are_in_it(self) -> None:
        paths = describe()["paths"]
        for path, methods in {
            "/api/v1/lists": {"get"},
            "/api/v1/lists/{number}/recipients": {"get"},
            "/api/v1/lists/{number}/suppressions": {"get", "post"},
            "/api/v1/lookup": {"get", "post"},
            "/api/v1/changes": {"get"},
            "/api/v1/do-not-mail": {"get"},
            "/api/v1/do-not-mail.csv": {"get"},
            "/api/v1/do-not-mail.txt": {"get"},
            "/api/v1/contacts": {"get", "post"},
            "/api/v1/contacts/{contact_id}": {"get", "put", "delete"},
            "/api/v1/opt-out-links": {"post"},
            "/api/v1/text-messages": {"post"},
            "/api/v1/text-messages/preview": {"post"},
            "/api/v1/text-messages/{message_id}": {"get"},
            "/api/v1/text-messages/{message_id}/stop": {"post"},
            "/api/v1/webhooks": {"get", "post"},
            "/api/v1/webhooks/{webhook_id}": {"get", "patch", "delete"},
            "/api/v1/webhooks/{webhook_id}/deliveries": {"get"},
            "/api/v1/webhooks/{webhook_id}/test": {"post"},
            "/api/v1/webhooks/{webhook_id}/replay": {"post"},
            "/api/v1/webhooks/{webhook_id}/rotate": {"post"},
        }.items():
            assert set(paths[path]) == methods

    def test_every_reference_leads_somewhere(self) -> None:
        description = describe()
        for reference in references(description):
            where: Any = description
            for part in reference.removeprefix("#/").split("/"):
                where = where[part]
            assert where


class TestOperations:
    @pytest.mark.parametrize("name", operation_ids())
    def test_each_is_described_in_full(self, name: str) -> None:
        _method, _path, operation = operations()[name]

        assert name in HEADINGS and operation["summary"] == HEADINGS[name]
        assert operation["description"].endswith((".", ")"))
        assert len(operation["tags"]) == 1 and operation["tags"][0] in TAGS
        assert operation["security"] == [{"key": []}]
        for status in ("400", "401", "403", "422", "429", "500", "503"):
            assert status in operation["responses"]
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(
                    answer["headers"]
                )

    def test_there_is_an_example_of_each_and_of_nothing_else(self) -> None:
        assert set(EXAMPLES) == set(operation_ids()) == set(HEADINGS)

    def test_every_kind_of_problem_is_in_an_answer(self) -> None:
        answers = describe()["components"]["responses"]
        slugs = {
            slug
            for each in answers.values()
            for slug in each["content"]["application/problem+json"]["examples"]
        }
        assert slugs == {kind.slug for kind in Kind}

    def test_a_call_that_is_done_once_says_so(self) -> None:
        for name, (method, _path, _operation) in operations().items():
            if method != "POST" or name in READING_POSTS | UNSAVED_POSTS:
                continue
            _method, _path, operation = operations()[name]
            assert "Idempotency-Key" in [each["name"] for each in operation["parameters"]]
            success = next(each for each in operation["responses"] if each.startswith("2"))
            assert "Idempotent-Replayed" in operation["responses"][success]["headers"]

    def test_every_field_says_what_it_means(self) -> None:
        for name, schema in describe()["components"]["schemas"].items():
            for field, each in schema.get("properties", {}).items():
                assert each.get("description"), f"{name}.{field}"
        fields = {
            f"{name}.{field}"
            for name, schema in describe()["components"]["schemas"].items()
            for field in schema.get("properties", {})
        }
        assert set(MEANINGS) <= fields

    def test_files_are_files(self) -> None:
        for name, kind in (
            ("read_do_not_mail_csv", "text/csv"),
            ("read_do_not_mail_txt", "text/plain"),
            ("read_recipients_csv", "text/csv"),
        ):
            assert list(operations()[name][2]["responses"]["200"]["content"]) == [kind]


class TestWebhooks:
    """What arrives at endpoints is described as well, and the examples are made by what makes the messages."""

    def test_every_kind_of_message_is_there(self) -> None:
        found = describe()["webhooks"]
        assert set(found) == {OPT_OUT, LIFT, BATCH, TEST, "sms"}
        for item in found.values():
            operation = item["post"]
            assert operation["security"] == [] and operation["summary"] and operation["description"]
            assert {each["name"] for each in operation["parameters"]} == {
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature",
            }

    def test_what_is_shown_fits_the_schema(self) -> None:
        for item in describe()["webhooks"].values():
            for media in item["post"]["requestBody"]["content"].values():
                check(media["schema"], media["example"])
        forms = describe()["webhooks"]["sms"]["post"]["requestBody"]["content"]
        assert set(forms) == {JSON, "application/x-www-form-urlencoded"}
        for media in forms.values():
            assert media["example"] == {
                "timestamp": "2026-11-22T09:31:00Z",
                "unsubscribed_number": "+14155550123",
                "source": "Optout Link",
            }

    def test_a_change_is_what_the_feed_tells(self) -> None:
        schemas = describe()["components"]["schemas"]
        for name in ("OptOutRecorded", "SuppressionLifted", "WebhookTest"):
            assert schemas[name]["properties"]["data"]["$ref"] == "#/components/schemas/ChangeOut"
        told = describe()["webhooks"][OPT_OUT]["post"]["requestBody"]["content"][JSON]["example"]
        assert told["data"] == EXAMPLES["read_changes"].answer["changes"][0]


@pytest.fixture
def key(realm: Realm, optout_list: List) -> str:
    """A key of a realm in which the examples can happen."""
    make.make_optout(optout_list)
    make.make_optout(make.do_not_mail(realm), "mo@example.com")
    contact = make.make_contact(realm, "ann@example.com", optout_list, first="Ann")
    Contact.objects.filter(pk=contact.pk).update(id=4711)
    make.make_contact(realm, "+14155550101", optout_list)
    make_example_webhook(optout_list)
    make_example_message(optout_list)
    return make.make_api_key(realm)


class TestExamples:
    @pytest.mark.parametrize("name", operation_ids())
    def test_what_is_shown_fits_the_schema(self, name: str) -> None:
        _method, _path, operation = operations()[name]
        example = EXAMPLES[name]
        if example.call.body is not None:
            content = operation["requestBody"]["content"][JSON]
            assert content["example"] == example.call.body
            check(content["schema"], example.call.body)
        if isinstance(example.answer, dict):
            success = next(each for each in operation["responses"] if each.startswith("2"))
            check(operation["responses"][success]["content"][JSON]["schema"], example.answer)

    @pytest.mark.alone  # it reads the feed
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("name", operation_ids())
    def test_what_is_shown_is_what_comes(self, key: str, name: str) -> None:
        """The same fields with values of the same types; the numbers are the reader's own."""
        call, shown = EXAMPLES[name].call, EXAMPLES[name].answer
        answer: Any = Client(headers={"authorization": f"Bearer {key}"}).generic(
            call.method,
            call.path,
            b"" if call.body is None else json.dumps(call.body).encode(),
            JSON,
            query_params=dict(call.query),
        )

        assert answer.status_code < 300, answer.content
        if shown is None:
            assert answer.content == b""
        elif isinstance(shown, str):
            said = b"".join(answer).decode()
            assert said.splitlines()[0].count(",") == shown.splitlines()[0].count(",")
            assert name.endswith("txt") or said.splitlines()[0] == shown.splitlines()[0]
        else:
            assert shape(answer.json()) == shape(shown)


def shape(value: Any) -> Any:
    """The fields of a value, and what kind of thing each is; of an array the kinds of its items."""
    if isinstance(value, dict):
        if value and set(value) == {"first"}:  # a contact's own fields
            return "fields"
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        kinds = [shape(each) for each in value]
        return kinds[:1]
    return "text or null" if value is None or isinstance(value, str) else type(value).__name__


def check(schema: dict[str, Any], value: Any) -> None:
    """Raises unless the value fits."""
    validator_for({**schema, "components": describe()["components"]}).validate(value)


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for item in value for each in references(item)]
    if not isinstance(value, dict):
        return []
    found = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return found + [each for item in value.values() for each in references(item)]
