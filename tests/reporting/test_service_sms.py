"""The Service page's short links for text messages (S3.2, S3.5), and STOP as it is set up."""

from html import unescape
from urllib.parse import urlsplit

import pytest
from django.test import Client

from lists.choices import Accepts, Role, SmsStopScope
from lists.models import List, Realm, User
from optout.short_links import open_short_url, read_short_token, short_url
from tests import make
from tests.reporting.portal import signed_in

SAMPLE = "+12025550123"


def look(user: User, optout_list: List) -> str:
    response = signed_in(user).get(f"/manage/lists/{optout_list.public_id}/service")
    assert response.status_code == 200
    return unescape(response.content.decode())


@pytest.fixture
def texts(realm: Realm, bob: User) -> List:
    made = make.make_list(realm, 7, "Garden texts", accepts=Accepts.PHONE)
    bob.memberships.get().accesses.create(optout_list=made)
    return made


@pytest.mark.django_db
class TestShortLinks:
    def test_both_are_shown_and_work(self, bob: User, texts: List) -> None:
        page = look(bob, texts)

        for url in (short_url(texts.pk, SAMPLE), open_short_url(texts.public_id)):
            assert f">{url}</code>" in page
            response = Client(headers={"accept": "text/html"}).get(urlsplit(url).path)
            assert response.status_code == 200
        target = read_short_token(short_url(texts.pk, SAMPLE).rpartition("/")[2])
        assert target is not None and target.address == SAMPLE
        assert SAMPLE in page

    def test_the_sample_is_not_to_be_pasted(self, bob: User, texts: List) -> None:
        page = look(bob, texts)

        assert "A sample" in page and "paste it into no message" in page
        assert 'data-copy="short-url"' not in page
        assert 'data-copy="open-short-url"' in page

    def test_where_one_gets_a_recipients_own_is_said(self, bob: User, texts: List) -> None:
        page = look(bob, texts)
        assert '<a href="/manage/send/">Send editor</a>' in page
        assert "/api/v1/opt-out-links" in page

    def test_how_far_it_reaches_is_said(self, bob: User, texts: List) -> None:
        assert "ends all texts of this sender" in look(bob, texts)
        texts.sms_stop_scope = SmsStopScope.LIST
        texts.save(update_fields=["sms_stop_scope"])
        assert "ends this list" in look(bob, texts)

    def test_a_list_of_mails_keeps_them_closed(self, bob: User, optout_list: List) -> None:
        page = look(bob, optout_list)
        assert "In case you text these people, too" in page
        assert "<summary>Show the links</summary>" in page

    def test_do_not_mail_has_them_too(self, alice: User, realm: Realm) -> None:
        everything = make.do_not_mail(realm)
        page = look(alice, everything)
        assert open_short_url(everything.public_id) in page
        assert "#id_sms_stop_scope" not in page


@pytest.mark.django_db
class TestStop:
    def test_the_lists_numbers_and_the_endpoint_are_named(
        self, bob: User, realm: Realm, texts: List
    ) -> None:
        make.make_sms_number(realm, "12345", texts)
        make.make_sms_number(realm, "+18005550111")
        endpoint = make.make_inbound_endpoint(realm)

        page = look(bob, texts)

        assert ">12345</span>" in page and "+18005550111" not in page
        assert f"/sms/{endpoint.public_id}</code>" in page
        assert "which a realm admin can give you" in page

    def test_without_any_an_admin_is_led_to_the_settings(self, alice: User, texts: List) -> None:
        page = look(alice, texts)
        assert '<a href="/manage/settings/sms/">Add one under Settings › Text messages</a>' in page
        assert "/sms/</code>" not in page

    def test_a_mailer_sees_the_links_alone(self, realm: Realm, texts: List) -> None:
        make.make_sms_number(realm, "12345", texts)
        endpoint = make.make_inbound_endpoint(realm)
        mailer = make.make_user("mo@northmail.example")
        make.make_member(mailer, realm, Role.MAILER, texts)

        page = look(mailer, texts)

        assert short_url(texts.pk, SAMPLE) in page
        assert "STOP by text" not in page and endpoint.public_id not in page
        assert "/manage/send/" not in page
