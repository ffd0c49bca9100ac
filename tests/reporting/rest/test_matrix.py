"""AT-31 for the REST API: every operation × every kind of key. A new operation without a row here fails."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from lists.models import Contact, List, Realm
from reporting.models import WebhookEndpoint
from reporting.rest.examples import EXAMPLES
from reporting.rest.openapi import scope_of
from tests import make
from tests.reporting.rest.messages import make_example_message
from tests.reporting.rest.operations import operation_ids, operations
from tests.reporting.rest.rows import count_rows
from tests.reporting.rest.webhooks import make_example_webhook

OK = frozenset(range(200, 300))


@dataclass(frozen=True)
class Row:
    """Which scope an operation needs, and what it is about: one `list`, the whole `realm`, or `any` of the key's lists.

    Do Not Mail is for `any` who reads: it holds for each list. A `webhook` is one of a list; so are `recipients`, whom messages
    are sent to: Do Not Mail has none.
    """

    scope: str
    about: str


TABLE: dict[str, Row] = {
    "read_lists": Row("read", "any"),
    "read_list": Row("read", "list"),
    "add_suppressions": Row("write", "list"),
    "lift_suppressions": Row("write", "list"),
    "read_suppressions": Row("read", "list"),
    "look_up": Row("read", "list"),
    "look_up_one": Row("read", "list"),
    "read_opt_outs": Row("read", "list"),
    "read_changes": Row("read", "any"),
    "read_do_not_mail": Row("read", "any"),
    "read_do_not_mail_csv": Row("read", "any"),
    "read_do_not_mail_txt": Row("read", "any"),
    "read_list_contacts": Row("read", "list"),
    "read_contacts": Row("read", "realm"),
    "read_contact": Row("read", "realm"),
    "write_contact": Row("read and write", "realm"),
    "set_contact": Row("read and write", "realm"),
    "delete_contact": Row("write", "realm"),
    "make_opt_out_links": Row("read and write", "list"),
    "read_recipients_csv": Row("read and write", "recipients"),
    "preview_text_message": Row("read and write", "recipients"),
    "make_text_message": Row("read and write", "recipients"),
    "read_text_message": Row("read and write", "recipients"),
    "stop_text_message": Row("read and write", "recipients"),
    "make_webhook": Row("read and write", "webhook"),
    "read_webhooks": Row("read", "any"),
    "read_webhook": Row("read", "webhook"),
    "change_webhook": Row("read and write", "webhook"),
    "delete_webhook": Row("read and write", "webhook"),
    "read_webhook_deliveries": Row("read", "webhook"),
    "send_webhook_test": Row("read and write", "webhook"),
    "replay_webhook": Row("read and write", "webhook"),
    "rotate_webhook": Row("read and write", "webhook"),
}


@dataclass
class Scene:
    """A realm with something in it, and another one."""

    realm: Realm
    optout_list: List
    elsewhere: Realm

    def key(self, who: str) -> str:
        """The header that such a program sends."""
        realm, lists = self.realm, []
        if who == "nobody":
            return ""
        if who == "garbage":
            return "Bearer hk_" + "x" * 32
        if who == "one list":
            lists = [self.optout_list]
        if who == "another list":
            lists = [List.objects.get(realm=realm, number=2)]
        if who == "Do Not Mail":
            lists = [make.do_not_mail(realm)]
        if who == "another realm":
            realm = self.elsewhere
        fields: dict[str, Any] = {"may_write": who != "read", "may_read": who != "write"}
        return f"Bearer {make.make_api_key(realm, *lists, **fields)}"


WHO = (
    *("nobody", "garbage", "read", "write"),
    *("one list", "another list", "Do Not Mail", "whole realm", "another realm"),
)


def expected(row: Row, who: str) -> frozenset[int]:
    """The statuses that such a program may get."""
    if who in {"nobody", "garbage"}:
        return frozenset({401})
    if who in {"read", "write"} and who != row.scope:
        return frozenset({403})
    others = {"another list", "Do Not Mail", "another realm"}
    if row.about in {"list", "webhook", "recipients"} and who in others:
        return frozenset({404})
    if row.about == "realm" and who in {"one list", "another list", "Do Not Mail"}:
        return frozenset({403})
    if row.about == "realm" and who == "another realm":
        return OK | {404, 422}  # its own, in which there is neither the contact nor the list
    return OK


@pytest.fixture
def scene(realm: Realm, optout_list: List) -> Scene:
    """Whatever the examples name is there."""
    make.make_list(realm, 2, "Offers")
    make.make_optout(optout_list)
    make.make_optout(make.do_not_mail(realm), "joe@example.com")
    contact = make.make_contact(realm, "ann@example.com", optout_list)
    Contact.objects.filter(pk=contact.pk).update(id=4711)
    make_example_webhook(optout_list)
    make_example_message(optout_list)
    return Scene(realm, optout_list, make.make_realm("elsewhere"))


def test_every_operation_has_a_row() -> None:
    assert set(TABLE) == set(operation_ids())


@pytest.mark.django_db
@pytest.mark.parametrize("name", TABLE)
def test_who_may_do_what(scene: Scene, name: str) -> None:
    call = EXAMPLES[name].call
    for who in WHO:
        key = scene.key(who)
        before = count_rows()

        answer: Any = Client(headers={"authorization": key}).generic(
            call.method,
            call.path,
            _body(call.body),
            "application/json",
            query_params=dict(call.query),
        )

        WebhookEndpoint.objects.update(removed_at=None)  # for the next one
        said = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code in expected(TABLE[name], who), (who, said)
        if answer.status_code >= 400:
            assert count_rows() == before, who
            assert answer.headers["Content-Type"] == "application/problem+json", who
        if who in {"another list", "another realm"} and call.method == "GET":
            hidden = {"jane", "ann"} | ({"joe"} if who == "another realm" else set())
            for address in hidden:
                assert f"{address}@".encode() not in said, f"{who}: what is not its own is told"


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.about == "list"])
def test_every_key_reads_do_not_mail_and_not_every_key_changes_it(scene: Scene, name: str) -> None:
    """The same operations, of list 0: it holds for every list, so whoever reads must be able to know of it."""
    call, scope = EXAMPLES[name].call, TABLE[name].scope
    body = {**call.body, "list": 0} if call.body and "list" in call.body else call.body
    for who in WHO:
        key = scene.key(who)
        before = count_rows()

        answer: Any = Client(headers={"authorization": key}).generic(
            call.method,
            call.path.replace("/lists/1", "/lists/0"),
            _body(body),
            "application/json",
            query_params={each: "0" if each == "list" else text for each, text in call.query},
        )

        wanted = 200  # another realm has a Do Not Mail of its own
        if who in {"nobody", "garbage"}:
            wanted = 401
        elif who in {"read", "write"} - {scope} or ("write" in scope and who.endswith(" list")):
            wanted = 403
        assert answer.status_code == wanted, (who, answer.content)
        if wanted != 200:
            assert count_rows() == before, who


@pytest.mark.django_db
@pytest.mark.parametrize("name", TABLE)
def test_a_refused_key_is_answered_before_the_request_is_read(scene: Scene, name: str) -> None:
    """Nobody without a key learns what a list, a field or a parameter is called."""
    call = EXAMPLES[name].call
    answer = Client().generic(
        call.method, call.path, b"{", "application/json", query_params={"nonsense": "1"}
    )

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_page_names_the_scope_that_is_needed() -> None:
    for name, (method, _path, description) in operations().items():
        assert scope_of(description, method.lower()) == TABLE[name].scope, name


def _body(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
