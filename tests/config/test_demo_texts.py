"""The demo's text messages: what is printed works, and the month has what an owner would look for."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from lists.choices import SmsStopScope
from lists.lookup import forget_all_lists
from lists.models import (
    Contact,
    InboundEndpoint,
    List,
    SmsNumber,
    SmsSetup,
    Subscription,
)
from lists.sms_actions import remove_endpoint, rotate_secret
from lists.sms_setup import rules_of
from optout.choices import Channel, Meaning, RefusalCause, Verdict
from optout.models import InboundMessage, OptOut, QuarantinedOptOut
from optout.queries import is_suppressed
from optout.short_links import read_short_token
from tests.kept import kept_rows

type Answer = dict[str, Any]


def seed() -> Answer:
    printed = StringIO()
    call_command("seed_demo", "--json", stdout=printed)
    answer: Answer = json.loads(printed.getvalue())["sms"]
    return answer


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Answer]:
    with kept_rows(django_db_blocker):
        yield seed()


@pytest.fixture
def texted(demo: Answer) -> List:
    forget_all_lists()
    return List.objects.get(realm__name="demo", number=demo["list_number"])


def text_in(demo: Answer, text: str, sender: str, **fields: str) -> Any:
    body = {"from": sender, "to": demo["number"], "text": text, "secret": demo["inbound_secret"]}
    path = urlsplit(demo["inbound_url"]).path
    return Client().post(path, {**body, **fields}, content_type="application/json")


@pytest.mark.django_db
class TestAnswer:
    def test_scripts_find_the_keys_they_rely_on(self, settings: Any, demo: Answer) -> None:
        assert set(demo) == {
            *("list_number", "number", "recipient", "link_url", "open_link_url"),
            *("inbound_url", "inbound_secret"),
        }
        assert demo["list_number"] == 5
        assert demo["number"] == "+18005550199"
        assert demo["inbound_url"].startswith(f"{settings.BASE_URL}/sms/")
        assert demo["inbound_secret"].startswith("whsec_")

    def test_the_link_is_short_and_somebodys_on_the_list(self, demo: Answer, texted: List) -> None:
        path = urlsplit(demo["link_url"]).path
        assert len(path) <= 30
        target = read_short_token(path.rpartition("/")[2])
        assert target is not None
        assert (target.list_id, target.address) == (texted.pk, demo["recipient"])
        contact = Contact.objects.get(realm=texted.realm, address=demo["recipient"])
        assert Subscription.objects.filter(optout_list=texted, digest=contact.digest).exists()
        assert not is_suppressed(texted.pk, demo["recipient"])

    def test_the_links_open_and_change_nothing(self, demo: Answer, texted: List) -> None:
        before = OptOut.objects.count()
        for url in (demo["link_url"], demo["open_link_url"]):
            response = Client(headers={"accept": "text/html"}).get(urlsplit(url).path)
            assert response.status_code == 200, url
        assert OptOut.objects.count() == before

    def test_stop_ends_everything_and_start_takes_it_back(self, demo: Answer, texted: List) -> None:
        sender = demo["recipient"]
        assert texted.sms_stop_scope == SmsStopScope.REALM
        everything = List.objects.get(realm=texted.realm, number=0)

        assert text_in(demo, "Stop please", sender).json()["status"] == "recorded"
        assert is_suppressed(everything.pk, sender)

        assert text_in(demo, "START", sender).json()["status"] == "lifted"
        assert not is_suppressed(texted.pk, sender)

    def test_a_wrong_secret_opens_nothing(self, demo: Answer, texted: List) -> None:
        response = text_in(demo, "STOP", demo["recipient"], secret="whsec_wrong")
        assert response.status_code == 401
        assert not is_suppressed(texted.pk, demo["recipient"])


@pytest.mark.django_db
class TestMonth:
    def test_people_left_by_link_and_by_stop(self, demo: Answer) -> None:
        by_link = OptOut.objects.filter(channel=Channel.SMS_LINK)
        by_text = OptOut.objects.filter(channel=Channel.INBOUND_SMS)
        assert 15 <= by_link.count() <= 90
        assert 10 <= by_text.count() <= 90
        assert by_link.count() == by_link.filter(evidence__list=5).count()
        said = by_text.filter(evidence__texted=demo["number"], evidence__has_key="said")
        assert said.count() == by_text.count()
        assert (by_link | by_text).filter(left_lists__isnull=False).count() >= 2
        assert not by_text.filter(recorded_at__gt=timezone.now()).exists()

    def test_they_stay_contacts_with_a_name(self, demo: Answer) -> None:
        digests = OptOut.objects.filter(channel__in=(Channel.SMS_LINK, Channel.INBOUND_SMS))
        known = set(Contact.objects.values_list("digest", flat=True))
        assert {digest for (digest,) in digests.values_list("digest")} <= known
        assert not Contact.objects.filter(fields={}).exists()

    def test_one_that_is_unclear_waits(self, demo: Answer) -> None:
        waiting = QuarantinedOptOut.objects.filter(
            cause=RefusalCause.UNCLEAR_TEXT, verdict=Verdict.WAITING
        )
        assert waiting.count() == 2
        assert waiting.filter(evidence__texted=demo["number"]).count() == 2
        assert waiting.filter(evidence__said__startswith="When does it end?").exists()

    def test_the_endpoints_log_has_each(self, demo: Answer) -> None:
        meanings = InboundMessage.objects.values_list("meaning", flat=True)
        assert set(meanings) == {Meaning.STOP, Meaning.UNCLEAR, Meaning.NOTHING}
        stops = InboundMessage.objects.filter(meaning=Meaning.STOP)
        assert stops.count() == OptOut.objects.filter(channel=Channel.INBOUND_SMS).count()
        assert not InboundMessage.objects.filter(received_at__gt=timezone.now()).exists()


@pytest.mark.django_db
class TestRunningItAgain:
    def test_it_prints_the_same_and_adds_nothing(self, demo: Answer) -> None:
        models = (OptOut, InboundMessage, InboundEndpoint, SmsNumber, SmsSetup, Contact)
        before = [model.objects.count() for model in models]
        assert seed() == demo
        assert [model.objects.count() for model in models] == before

    def test_what_somebody_changed_stays_but_the_secret(self, demo: Answer, texted: List) -> None:
        endpoint = InboundEndpoint.objects.get()
        now = timezone.now()
        rotate_secret(endpoint, timedelta(0), actor=None, now=now)
        InboundEndpoint.objects.update(label="Mine", confirms_by="nobody")
        remove_endpoint(endpoint, actor=None, now=now)
        SmsNumber.objects.update(label="Texts", optout_list=None)
        SmsSetup.objects.update(start_lifts=False, own_keywords=["basta"])
        List.objects.filter(pk=texted.pk).update(sms_stop_scope=SmsStopScope.LIST)

        assert seed() == demo

        endpoint.refresh_from_db()
        assert (endpoint.label, endpoint.confirms_by, endpoint.removed_at) == (
            "Mine",
            "nobody",
            None,
        )
        number = SmsNumber.objects.get()
        assert (number.label, number.optout_list) == ("Texts", None)
        assert rules_of(texted.realm_id).own_keywords == {"basta"}
        texted.refresh_from_db()
        assert texted.sms_stop_scope == SmsStopScope.LIST
        assert text_in(demo, "basta", demo["recipient"]).json()["status"] == "recorded"

    def test_an_installation_of_before_gets_it(self, demo: Answer) -> None:
        by_text = OptOut.objects.filter(channel__in=(Channel.SMS_LINK, Channel.INBOUND_SMS))
        before = by_text.count()
        InboundMessage.objects.all().delete()
        by_text.delete()
        SmsNumber.objects.all().delete()
        SmsSetup.objects.all().delete()
        InboundEndpoint.objects.all()._raw_delete("default")

        again = seed()

        assert {**again, "recipient": "", "link_url": ""} == {
            **demo,
            "recipient": "",
            "link_url": "",
        }
        assert by_text.count() in range(before - 10, before + 11)

    def test_who_opted_out_meanwhile_is_not_the_recipient(self, demo: Answer, texted: List) -> None:
        text_in(demo, "STOP", demo["recipient"])
        again = seed()
        assert again["recipient"] != demo["recipient"]
        assert not is_suppressed(texted.pk, again["recipient"])

    def test_another_installation_has_another_secret(self, demo: Answer, settings: Any) -> None:
        settings.SECRET_KEY = "another installation's key"
        elsewhere = seed()
        assert elsewhere["inbound_secret"] != demo["inbound_secret"]
        assert elsewhere["inbound_url"] != demo["inbound_url"]
