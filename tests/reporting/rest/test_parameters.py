"""`modified_since`: whoever polls by time misses nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from lists.models import Contact, List, Realm
from tests import make
from tests.reporting.contacts_http.calls import V1, V2
from tests.reporting.rest.programs import Program
from tests.reporting.test_feed import OpenTransaction

REST = ("/lists", "/lists/1/contacts", "/do-not-mail")
V2_PATHS = ("lists", "contacts", "lists/active/contacts")
V1_PATHS = ("contacts", "lists/active/members")


@pytest.fixture
def program(realm: Realm, optout_list: List) -> Program:
    return Program(realm)


def next_since(answer: Any) -> datetime:
    assert answer.status_code == 200, answer.content
    return datetime.fromisoformat(answer.headers["Next-Since"])


@pytest.mark.django_db
class TestModifiedSince:
    def test_it_reaches_back_over_what_was_being_recorded(
        self, program: Program, realm: Realm, optout_list: List
    ) -> None:
        """Whoever commits late carries the time at which they began."""
        jane = make.make_contact(realm, "jane@example.com", optout_list)
        make.make_optout(make.do_not_mail(realm), "joe@example.com", requested_at=make.NOW)
        Contact.objects.update(changed_at=make.NOW)

        def found(path: str, name: str, seconds: int) -> list[str]:
            since = (make.NOW + timedelta(seconds=seconds)).isoformat()
            return [each["id"] for each in program.read(path, modified_since=since)[name]]

        assert found("/lists/1/contacts", "contacts", 119) == [str(jane.pk)]
        assert found("/lists/1/contacts", "contacts", 121) == []
        assert len(found("/do-not-mail", "do_not_mail", 119)) == 1
        assert len(found("/do-not-mail", "do_not_mail", 121)) == 0

    def test_so_it_does_in_the_other_shapes(
        self, realm: Realm, optout_list: List, program: Program
    ) -> None:
        make.make_contact(realm, "jane@example.com", optout_list)
        Contact.objects.update(changed_at=make.NOW)
        optout_list.subscriptions.update(subscribed_at=make.NOW)
        v1, v2 = V1("acme", program.key), V2(program.key)
        for seconds, count in ((119, 1), (121, 0)):
            since = (make.NOW + timedelta(seconds=seconds)).isoformat()
            assert len(v2.emails("contacts", modified_since=since)) == count
            assert len(v1.entries("contacts", updatedsince=since, listtype="active")) == count

    @pytest.mark.parametrize("path", REST)
    @pytest.mark.parametrize("since", ["0001-01-01", "9999-12-31T23:59:59Z"])
    def test_at_the_ends_of_time(self, program: Program, path: str, since: str) -> None:
        assert program.get(path, {"modified_since": since}).status_code == 200


@pytest.mark.django_db
class TestNextSince:
    def test_each_answer_tells_it(self, program: Program) -> None:
        v1, v2 = V1("acme", program.key), V2(program.key)
        answers = [
            *(program.get(path) for path in REST),
            *(v2.send("GET", f"/v2/{path}") for path in V2_PATHS),
            *(v1.send("GET", f"{v1.root}/{path}") for path in V1_PATHS),
        ]
        latest = timezone.now() - timedelta(minutes=2)
        assert all(latest - timedelta(minutes=1) < next_since(each) <= latest for each in answers)

    def test_so_does_one_that_nothing_changed(self, program: Program) -> None:
        etag = program.get("/lists").headers["ETag"]
        again = program.get("/lists", headers={"if-none-match": etag})
        assert again.status_code == 304
        assert again.headers["Next-Since"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", REST)
def test_the_next_time_is_before_whoever_is_still_writing(
    program: Program, optout_list: List, path: str, time_machine: Any
) -> None:
    late = OpenTransaction(optout_list, "late@example.com")
    began_before = timezone.now()
    try:
        time_machine.move_to(began_before + timedelta(hours=1))
        following = next_since(program.get(path))
    finally:
        late.commit()
    assert following <= began_before - timedelta(minutes=2)
