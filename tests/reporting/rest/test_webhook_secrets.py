"""Secrets of endpoints, over REST: told twice, kept nowhere, rotated without a failed check."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from lists.models import AuditEntry, Realm
from lists.sealed import salts_in_force
from optout.models import GivenAnswer
from reporting.models import WebhookEndpoint
from reporting.webhooks.signing import sign
from tests.reporting.rest.webhooks import URL, Program, refused


@pytest.fixture
def program(realm: Realm) -> Program:
    """One that may do everything in the realm."""
    return Program(realm)


@pytest.mark.django_db
class TestSecrets:
    def test_it_is_told_only_when_it_is_made_and_rotated(self, program: Program) -> None:
        made = program.make()
        for path in ("", f"/{made['id']}", f"/{made['id']}/deliveries"):
            assert b"whsec_" not in program("GET", path).content
        assert b"whsec_" not in program("PATCH", f"/{made['id']}", {"label": "x"}).content

    def test_a_repeat_is_told_the_same_and_the_secret_is_kept_nowhere(
        self, program: Program
    ) -> None:
        answers = [program("POST", "", {"url": URL}, idempotency_key="one") for _ in range(2)]

        assert [each.status_code for each in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert WebhookEndpoint.objects.count() == 1
        assert answers[0].json()["secret"][6:] not in GivenAnswer.objects.get().body

    def test_nor_is_the_url_kept_with_the_answer(self, program: Program) -> None:
        sent = {"url": f"{URL}?token=s3cret"}
        answers = [program("POST", "", sent, idempotency_key="one") for _ in range(2)]
        assert [each.json()["url"] for each in answers] == [sent["url"]] * 2
        assert "s3cret" not in GivenAnswer.objects.get().body

    def test_both_sign_while_it_is_rotated(self, program: Program) -> None:
        made = program.make()
        answer = program("POST", f"/{made['id']}/rotate", {"overlap_hours": 48})

        assert answer.status_code == 200
        rotated = answer.json()
        assert rotated["secret"] != made["secret"]
        until = datetime.fromisoformat(rotated["old_until"])
        assert timedelta(hours=47) < until - timezone.now() <= timedelta(hours=48)
        assert program.read(f"/{made['id']}")["old_secret_until"] == rotated["old_until"]
        endpoint = WebhookEndpoint.objects.get()
        now = timezone.now()
        signature = sign(salts_in_force(endpoint, now), "msg_1", int(now.timestamp()), b"{}")
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        for secret in (made["secret"], rotated["secret"]):
            assert Webhook(secret).verify("{}", headers) == {}

    def test_for_a_day_unless_it_says_otherwise(self, program: Program) -> None:
        made = program.make()
        bodies: tuple[Any, ...] = (None, {})
        for body in bodies:
            until = program("POST", f"/{made['id']}/rotate", body).json()["old_until"]
            left = datetime.fromisoformat(until) - timezone.now()
            assert timedelta(hours=23) < left <= timedelta(hours=24)

    def test_at_once_without_an_overlap(self, program: Program) -> None:
        made = program.make()
        answer = program("POST", f"/{made['id']}/rotate", {"overlap_hours": 0}).json()
        assert answer["old_until"] is None
        assert WebhookEndpoint.objects.get().old_salt is None

    @pytest.mark.parametrize("hours", [-1, 169, "24", 1.5, None])
    def test_not_for_longer_than_a_week(self, program: Program, hours: Any) -> None:
        made = program.make()
        before = bytes(WebhookEndpoint.objects.get().salt)
        refused(
            program("POST", f"/{made['id']}/rotate", {"overlap_hours": hours}), "#/overlap_hours"
        )
        assert bytes(WebhookEndpoint.objects.get().salt) == before

    def test_a_repeated_rotation_rotates_once(self, program: Program) -> None:
        path = f"/{program.make()['id']}/rotate"
        answers = [program("POST", path, {}, idempotency_key="one") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert AuditEntry.objects.filter(action="rotate_webhook_secret").count() == 1

    def test_a_repeat_after_another_rotation_tells_what_holds_now(self, program: Program) -> None:
        made = program.make()
        path = f"/{made['id']}/rotate"
        first = program("POST", path, {"overlap_hours": 48}, idempotency_key="one").json()
        later = program("POST", path, {"overlap_hours": 1}, idempotency_key="two").json()

        repeated = program("POST", path, {"overlap_hours": 48}, idempotency_key="one").json()
        assert repeated == later != first

        with time_machine.travel(timezone.now() + timedelta(hours=2)):
            over = program("POST", path, {"overlap_hours": 1}, idempotency_key="two").json()
        assert over == {"secret": later["secret"], "old_until": None}
