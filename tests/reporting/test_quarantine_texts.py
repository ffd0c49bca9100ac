"""Text messages that may mean STOP, on the Quarantine screen."""

import pytest
from django.utils import timezone

from lists.models import InboundEndpoint, List, Realm, User
from optout.choices import Channel, RefusalCause, Verdict
from optout.models import OptOut, QuarantinedOptOut, Suppression
from optout.quarantine import quarantine_optout
from reporting import quarantine_texts
from reporting.notices import raise_notices
from tests import make
from tests.optout.channels.inbound_sms.calls import JANE, OURS, text_us
from tests.reporting.portal import signed_in
from tests.reporting.test_quarantine import refuse, url

pytestmark = pytest.mark.django_db

OTHER = "+442079460958"


@pytest.fixture
def endpoint(realm: Realm, optout_list: List) -> InboundEndpoint:
    make.make_sms_number(realm, OURS, optout_list)
    List.objects.update(sms_stop_scope="list")
    return make.make_inbound_endpoint(realm)


def decide(user: User, optout_list: List, verdict: str, *keys: object) -> str:
    body = {"verdict": verdict, "text": [str(key) for key in keys]}
    response = signed_in(user).post(url(optout_list, "/decide"), body, follow=True)
    assert response.status_code == 200
    return response.content.decode()


class TestThePage:
    def test_it_shows_what_was_said_and_to_which_number(
        self, bob: User, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "When does <it> end?")

        page = signed_in(bob).get(url(optout_list)).content.decode()

        assert "When does &lt;it&gt; end?" in page
        assert JANE in page and OURS in page
        assert "Text messages that may mean STOP" in page
        assert "Unknown IP" not in page

    def test_without_any_there_is_no_such_part(self, bob: User, optout_list: List) -> None:
        assert "may mean STOP" not in signed_in(bob).get(url(optout_list)).content.decode()

    def test_others_are_still_shown_by_network(
        self, bob: User, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "When does it end?")
        refuse(optout_list, "a@example.com")
        refuse(optout_list, "b@example.com", ip=None)

        context = signed_in(bob).get(url(optout_list)).context
        assert [each.shown_network for each in context["groups"]] == ["Unknown IP", "203.0.113.5"]
        assert (context["waiting"], context["waiting_texts"]) == (2, 1)

    def test_of_many_the_latest_are_shown(
        self,
        bob: User,
        optout_list: List,
        endpoint: InboundEndpoint,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(quarantine_texts, "MOST_TEXTS", 2)
        for n in range(3):
            text_us(endpoint, f"stop number {n}00", sender=f"+1415555267{n}")

        page = signed_in(bob).get(url(optout_list))
        assert [each.said for each in page.context["texts"]] == [
            "stop number 200",
            "stop number 100",
        ]
        assert "The latest 2 are shown." in page.content.decode()

    def test_after_90_days_nothing_of_it_is_left(
        self, bob: User, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "When does it end?")
        QuarantinedOptOut.objects.update(evidence=None)
        assert "When does it" not in signed_in(bob).get(url(optout_list)).content.decode()


class TestDeciding:
    def test_each_alone(self, bob: User, optout_list: List, endpoint: InboundEndpoint) -> None:
        text_us(endpoint, "make it end")
        text_us(endpoint, "when does it end", sender=OTHER)
        first, second = QuarantinedOptOut.objects.order_by("pk").values_list("pk", flat=True)

        assert "Recorded: 1 opt-out." in decide(bob, optout_list, "accept", first)
        assert "Rejected: 1 opt-out." in decide(bob, optout_list, "reject", second)

        verdicts = QuarantinedOptOut.objects.order_by("pk").values_list("verdict", flat=True)
        assert list(verdicts) == [Verdict.ACCEPTED, Verdict.REJECTED]
        assert Suppression.objects.get().address == JANE
        row = OptOut.objects.get()
        assert row.channel == Channel.INBOUND_SMS
        assert row.evidence is not None
        assert (row.evidence["said"], row.evidence["texted"]) == ("make it end", OURS)
        assert row.evidence["accepted_by"] == f"user {bob.pk}"

    def test_the_last_one_settles_the_notice(
        self, bob: User, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "make it end")
        text_us(endpoint, "when does it end", sender=OTHER)
        raise_notices(timezone.now())
        keys = QuarantinedOptOut.objects.order_by("pk").values_list("pk", flat=True)
        said = "People texted what may mean STOP of Garden letters."

        for key, waits in zip(list(keys), (True, False), strict=True):
            decide(bob, optout_list, "accept", key)
            assert (said in signed_in(bob).get("/manage/").content.decode()) is waits

    def test_together_with_groups(
        self, bob: User, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "make it end")
        refuse(optout_list, "a@example.com")
        client = signed_in(bob)
        context = client.get(url(optout_list)).context
        body = {
            "verdict": "accept",
            "text": str(context["texts"][0].key),
            "group": context["groups"][0].value,
        }
        client.post(url(optout_list, "/decide"), body)
        assert Suppression.objects.count() == 2

    @pytest.mark.parametrize("key", ["", "x", "-1", "٣", "1_0", "9" * 30, "0"])
    def test_what_is_no_key_decides_nothing(
        self, bob: User, optout_list: List, endpoint: InboundEndpoint, key: str
    ) -> None:
        text_us(endpoint, "make it end")
        decide(bob, optout_list, "accept", key)
        assert QuarantinedOptOut.objects.get().verdict == Verdict.WAITING

    def test_nothing_but_texts_and_of_this_list(
        self, realm: Realm, bob: User, optout_list: List
    ) -> None:
        refuse(optout_list, "a@example.com")
        other = make.make_list(realm, 2)
        intent = make.make_intent(other, JANE, channel=Channel.INBOUND_SMS)
        quarantine_optout(intent, RefusalCause.UNCLEAR_TEXT)

        for key in QuarantinedOptOut.objects.values_list("pk", flat=True):
            assert "Recorded: 0 opt-outs." in decide(bob, optout_list, "accept", key)
        assert not OptOut.objects.exists()

    def test_a_mailer_cannot(
        self, charlie: User, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        text_us(endpoint, "make it end")
        key = QuarantinedOptOut.objects.get().pk
        response = signed_in(charlie).post(
            url(optout_list, "/decide"), {"verdict": "accept", "text": key}
        )
        assert response.status_code == 404
