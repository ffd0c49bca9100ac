"""`manage.py webhook`: a realm's webhooks from a shell."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from lists.models import AuditEntry, List, Realm
from optout.choices import Channel, Medium
from reporting.models import (
    DeliveryState,
    FeedCursor,
    OffCause,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)
from reporting.webhooks.endpoints import EndpointPlan, plan_of
from reporting.webhooks.signing import secret_of
from tests import make
from tests.reporting.webhooks.deliveries import make_delivery

pytestmark = pytest.mark.django_db

NOW = make.NOW
URL = "https://crm.example.com/heed"
MAKE = ("make", f"--url={URL}")


def run(*arguments: Any) -> tuple[str, str]:
    """Call the command for the realm `acme`; what it printed, and what it remarked."""
    printed, remarked = io.StringIO(), io.StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("webhook", *arguments, "--realm=acme", stdout=printed, stderr=remarked)
    return printed.getvalue(), remarked.getvalue()


def run_json(*arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*arguments, "--json")[0])
    return answer


def refusal(*arguments: Any, code: int = 1) -> str:
    """What the command says when it refuses."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    return str(caught.value)


@pytest.fixture
def endpoint(realm: Realm) -> WebhookEndpoint:
    return make.make_webhook_endpoint(realm)


class TestMaking:
    def test_it_prints_the_secret_and_nothing_else(self, realm: Realm) -> None:
        printed, remarked = run(*MAKE)

        row = WebhookEndpoint.objects.get()
        assert printed == f"{secret_of(bytes(row.salt))}\n"
        assert row.public_id in remarked and "whsec_" not in remarked
        assert plan_of(row) == EndpointPlan(URL)
        assert (row.made_by, row.made_by_key, row.created_at) == (None, None, NOW)
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor) == ("make_webhook", None)

    def test_with_all_that_can_be_chosen(self, realm: Realm, optout_list: List) -> None:
        answer = run_json(
            *MAKE,
            "--format=sms-form",
            "--label=CRM",
            "--lists=1, 0",
            "--channels=page,one_click",
            "--medium=sms",
            "--no-lifts",
            "--no-batches",
        )
        row = WebhookEndpoint.objects.get()
        assert answer == {"id": row.public_id, "secret": secret_of(bytes(row.salt))}
        assert plan_of(row) == EndpointPlan(
            URL,
            format=WebhookFormat.SMS_FORM,
            label="CRM",
            list_ids=sorted([make.do_not_mail(realm).pk, optout_list.pk]),
            channels=[Channel.PAGE, Channel.ONE_CLICK],
            medium=Medium.SMS,
            gets_lifts=False,
            batches=False,
        )

    @pytest.mark.parametrize(
        ("arguments", "says", "code"),
        [
            (("make",), "make needs --url", 2),
            (("make", "--url="), "make needs --url", 2),
            (("make", "--url=http://10.0.0.1/"), ".", 1),
            ((*MAKE, f"--label={'x' * 101}"), "at most 100 characters", 1),
            ((*MAKE, "--lists=1,x"), "numbers with commas", 2),
            ((*MAKE, "--lists=4711,12"), "has no list 12, 4711", 1),
            ((*MAKE, "--channels=page,fax"), "no channel fax", 2),
            ((*MAKE, "--id=wh_1"), "--id goes with change", 2),
            ((*MAKE, "--since=now"), "--since goes with replay", 2),
            (("list", "--no-lifts"), "--lifts goes with make and change", 2),
            (("list", "--skip-missed"), "--skip-missed goes with on", 2),
        ],
    )
    def test_a_mistake_makes_none(self, realm: Realm, arguments, says: str, code: int) -> None:
        assert says in refusal(*arguments, code=code)
        assert not WebhookEndpoint.objects.exists()

    def test_there_must_be_such_a_realm(self, db: None) -> None:
        with pytest.raises(CommandError, match="no realm of that name"):
            call_command("webhook", "list", "--realm=nobody")


class TestListing:
    def test_a_line_each(self, realm: Realm, optout_list: List) -> None:
        one = make.make_webhook_endpoint(realm, label="CRM", succeeded_at=NOW)
        two = make.make_webhook_endpoint(
            realm,
            optout_list,
            format=WebhookFormat.SMS_JSON,
            is_callback=True,
            off_at=NOW,
            off_cause=OffCause.GONE,
        )
        make_delivery(two, recorded_at=NOW - timedelta(minutes=2))
        make.make_webhook_endpoint(realm, removed_at=NOW)

        printed, remarked = run("list")

        first, second = printed.splitlines()
        assert first == (
            f"{two.public_id}, {URL}, sms-json callback, lists 1, off since 2026-03-04 12:00 UTC "
            "(the receiver answered 410 gone), 1 waiting, 0 failed, 120 s behind"
        )
        assert second == (
            f"{one.public_id}  CRM, {URL}, standard, whole realm, delivering, 0 waiting, 0 failed, "
            "last success 2026-03-04 12:00 UTC"
        )
        assert "No sender runs" in remarked
        FeedCursor.objects.create(name="webhooks", xid=1, last_id=1, moved_at=NOW)
        assert run("list")[1] == ""

    def test_as_json(self, realm: Realm, optout_list: List) -> None:
        row = make.make_webhook_endpoint(
            realm, optout_list, channels=[Channel.PIXEL, 99], medium=Medium.EMAIL, failing_since=NOW
        )
        (each,) = run_json("list")["webhooks"]
        assert each == {
            "id": row.public_id,
            "url": URL,
            "label": "",
            "format": "standard",
            "is_callback": False,
            "lists": [1],
            "channels": ["pixel", "other"],
            "medium": "email",
            "lifts": True,
            "batches": True,
            "state": "failing",
            "off_cause": None,
            "waiting": 0,
            "waiting_is_more": False,
            "failed": 0,
            "delay_seconds": 0,
            "is_unread": False,
            "created_at": NOW.isoformat(),
            "off_at": None,
            "succeeded_at": None,
            "failed_at": None,
            "failing_since": NOW.isoformat(),
        }

    def test_none(self, realm: Realm) -> None:
        assert run("list")[0] == "There are no webhooks.\n"
        assert run_json("list") == {"sender_runs": False, "webhooks": []}


class TestChanging:
    def test_what_is_not_given_stays(self, optout_list: List, endpoint: WebhookEndpoint) -> None:
        which = f"--id={endpoint.public_id}"
        assert run("change", which, "--lists=1", "--medium=sms", "--no-lifts")[0]
        endpoint.refresh_from_db()
        changed = EndpointPlan(URL, list_ids=[optout_list.pk], medium=Medium.SMS, gets_lifts=False)
        assert plan_of(endpoint) == changed

        run("change", which, "--lists=", "--medium=both", "--channels=", "--lifts", "--label=A")
        endpoint.refresh_from_db()
        assert plan_of(endpoint) == EndpointPlan(URL, label="A")

    def test_a_callback_url(self, realm: Realm, optout_list: List) -> None:
        assert run("callback", f"--url={URL}")[0].startswith("whsec_")
        run("callback", f"--url={URL}/1", "--list=1", "--format=sms-form")
        default, own = WebhookEndpoint.objects.order_by("pk")
        assert default.is_callback and default.list_ids is None
        assert (own.url, own.format, own.list_ids) == (f"{URL}/1", "sms-form", [optout_list.pk])

        assert run_json("callback", "--url=", "--list=1") == {"id": None}
        own.refresh_from_db()
        assert own.removed_at == NOW
        assert "no list 7" in refusal("callback", f"--url={URL}", "--list=7")
        assert "needs --url" in refusal("callback", code=2)

    def test_the_secret_can_be_read_and_rotated(self, endpoint: WebhookEndpoint) -> None:
        which = f"--id={endpoint.public_id}"
        old = run("secret", which)[0]
        assert old == f"{secret_of(endpoint.salt)}\n"

        new, remarked = run("rotate", which)

        endpoint.refresh_from_db()
        assert new == run("secret", which)[0] != old
        assert "for 24 hours" in remarked
        assert endpoint.old_salt_until == NOW + timedelta(hours=24)
        assert "has ended" in run("rotate", which, "--overlap-hours=0")[1]
        assert "from 0 to 168" in refusal("rotate", which, "--overlap-hours=169", code=2)

    def test_off_on_and_removed(self, endpoint: WebhookEndpoint) -> None:
        which = f"--id={endpoint.public_id}"
        waiting = make_delivery(endpoint)
        assert "is off" in run("off", which)[0]
        endpoint.refresh_from_db()
        assert endpoint.off_cause == OffCause.OWNER

        assert run_json("on", which, "--skip-missed") == {"id": endpoint.public_id}
        waiting.refresh_from_db()
        assert waiting.state == DeliveryState.FAILED

        assert "is removed" in run("remove", which)[0]
        assert "has no webhook" in refusal("off", which)

    @pytest.mark.parametrize(
        "action", ["change", "secret", "rotate", "off", "on", "remove", "test", "replay", "log"]
    )
    def test_they_need_an_id_of_the_realm(self, realm: Realm, action: str) -> None:
        theirs = make.make_webhook_endpoint(make.make_realm("other"))
        assert f"{action} needs --id" in refusal(action, code=2)
        more = ("--delivery=1",) if action == "replay" else ()
        for public_id in (theirs.public_id, "wh_1", "wh_ä\n"):
            assert "has no webhook" in refusal(action, f"--id={public_id}", *more)


class TestSending:
    def test_a_test_and_the_log(self, endpoint: WebhookEndpoint) -> None:
        which = f"--id={endpoint.public_id}"
        assert run("log", which)[0] == "There are no deliveries.\n"
        printed, remarked = run("test", which)
        test = WebhookDelivery.objects.get()
        assert f"Delivery {test.pk} is a test" in printed and "No sender runs" in remarked
        assert (test.is_test, test.asked_by) == (True, "an operator")
        make_delivery(endpoint, tries=2, status=500)
        make_delivery(endpoint, state=DeliveryState.FAILED, tries=10, failure="timeout")

        lines = run("log", which)[0].splitlines()

        assert [line.partition("  ")[2] for line in lines] == [
            "2026-03-04 12:00 UTC, 1 change, failed, tried 10 times, no whole answer within 15 seconds",
            "2026-03-04 12:00 UTC, 1 change, waiting, tried 2 times, HTTP 500, next try 2026-03-04 12:00 UTC",
            "2026-03-04 12:00 UTC, test, queued",
        ]
        (only,) = run_json("log", which, "--only=tests")["deliveries"]
        assert only == {
            "id": test.pk,
            "webhook_id": test.webhook_id,
            "is_test": True,
            "changes": 1,
            "state": "queued",
            "tries": 0,
            "status": None,
            "failure": None,
            "took_ms": None,
            "answer": "",
            "next_try_at": None,
            "recorded_at": NOW.isoformat(),
            "created_at": NOW.isoformat(),
            "tried_at": None,
        }

    def test_again(self, endpoint: WebhookEndpoint) -> None:
        which = f"--id={endpoint.public_id}"
        failed = [make_delivery(endpoint, state=DeliveryState.FAILED) for _ in range(3)]
        assert "sent again: 1" in run("replay", which, f"--delivery={failed[0].pk}")[0]
        assert run_json("replay", which, "--since=2026-03-04T12:00:01")["replayed"] == 0
        assert run_json("replay", which, "--since=2026-03-04T13:00+01:00") == {
            "id": endpoint.public_id,
            "replayed": 2,
        }
        assert "no delivery 0" in refusal("replay", which, "--delivery=0")
        assert "--delivery or --since" in refusal("replay", which, code=2)
        assert "a time such as" in refusal("replay", which, "--since=monday", code=2)


class TestWhatIsNoText:
    """As a shell hands it over: `--url $'http://e.example/\\xed'`."""

    @pytest.mark.parametrize("value", ["d\udced", "a\0b"])
    @pytest.mark.parametrize(
        ("action", "option"),
        [
            ("make", "url"),
            ("make", "label"),
            ("make", "lists"),
            ("make", "channels"),
            ("callback", "url"),
            ("secret", "id"),
            ("replay", "since"),
        ],
    )
    def test_is_refused_with_a_sentence(
        self, endpoint: WebhookEndpoint, action: str, option: str, value: str
    ) -> None:
        given = {"make": MAKE[1:], "replay": (f"--id={endpoint.public_id}",)}.get(action, ())
        said = refusal(action, *given, f"--{option}={value}", code=2)
        assert said == f"--{option} is no text: it must be UTF-8."

    @pytest.mark.parametrize("value", ["d\udced", "a\0b"])
    def test_nor_does_a_realm_have_such_a_name(self, realm: Realm, value: str) -> None:
        with pytest.raises(CommandError, match="--realm is no text"):
            call_command("webhook", "list", f"--realm={value}")


class TestOddNumbersAndTimes:
    @pytest.mark.parametrize("since", ["0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "", "٣"])
    def test_a_time_that_there_is_not(self, endpoint: WebhookEndpoint, since: str) -> None:
        which = f"--id={endpoint.public_id}"
        assert "a time such as" in refusal("replay", which, f"--since={since}", code=2)

    def test_the_first_and_the_last_there_are(self, endpoint: WebhookEndpoint) -> None:
        make_delivery(endpoint, state=DeliveryState.FAILED)
        which = f"--id={endpoint.public_id}"
        assert run_json("replay", which, "--since=9999-12-31")["replayed"] == 0
        assert run_json("replay", which, "--since=0001-01-01")["replayed"] == 1

    @pytest.mark.parametrize("number", [-1, 0, 2**31, 2**63, 10**30])
    def test_numbers_that_there_are_not(self, endpoint: WebhookEndpoint, number: int) -> None:
        which = f"--id={endpoint.public_id}"
        assert "no delivery" in refusal("replay", which, f"--delivery={number}")
        if number:  # 0 is Do Not Mail
            assert "has no list" in refusal("callback", f"--url={URL}", f"--list={number}")
        if number not in range(169):
            said = refusal("rotate", which, f"--overlap-hours={number}", code=2)
            assert "from 0 to 168" in said

    @pytest.mark.parametrize("lists", ["1,", ",", "1;2", "-1", "٣", "9" * 10, "1.0", " "])
    def test_lists_that_are_none(self, optout_list: List, lists: str) -> None:
        assert "numbers with commas" in refusal(*MAKE, f"--lists={lists}", code=2)

    @pytest.mark.parametrize("label", ["x" * 101, "a\nb", "a\u202eb", "\x1b[2J"])
    def test_labels(self, realm: Realm, label: str) -> None:
        assert "at most 100 characters" in refusal(*MAKE, f"--label={label}")
