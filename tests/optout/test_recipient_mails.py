"""The two mails that recipients ask for: which one it is, what it says, where it leads. Decided when it is sent (AT-03)."""

import re
from datetime import timedelta
from email import policy
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.html import strip_tags

from lists.choices import TextKind
from lists.lookup import forget_all_lists, snapshot
from lists.mail import Mail
from lists.models import List, Realm
from optout.addresses import digest_of, parse_email
from optout.choices import Channel, MailKind, Reason
from optout.evidence import Evidence
from optout.links import JOIN, PREFERENCES, read_token
from optout.mail_requests import mailbox_digest
from optout.models import RecipientMail, Suppression
from optout.recipient_mails import compose
from optout.returning import join_list
from tests import make

pytestmark = pytest.mark.django_db

JANE = "jane@example.com"


@pytest.fixture
def letters(optout_list: List) -> List:
    """A list that one can join."""
    List.objects.update(join_is_open=True, contact="help@acme.example")
    optout_list.refresh_from_db()
    return optout_list


def ask(optout_list: List, kind: MailKind = MailKind.JOIN, **fields: Any) -> RecipientMail:
    """The row that a form of ours writes."""
    now = timezone.now()
    address = fields.pop("address", JANE)
    said = {"language": "en", "asked_at": now, "due_at": now, **fields}
    said |= {"address": address, "digest": digest_of(address), "mailbox": mailbox_digest(address)}
    return RecipientMail.objects.create(optout_list=optout_list, kind=kind, **said)


def made(row: RecipientMail) -> Mail:
    mail = compose(row, timezone.now())
    assert mail is not None
    return mail


def html_of(mail: Mail) -> str:
    (alternative,) = mail.alternatives
    return str(alternative[0])


def links(text: str, path: str) -> set[str]:
    """The tokens of the links below that path."""
    return set(re.findall(rf"{settings.BASE_URL}/{path}/([\w-]+)", text))


class TestSomebodyNew:
    def test_is_asked_to_confirm(self, letters: List) -> None:
        row = ask(letters)
        mail = made(row)

        assert mail.subject == "Please confirm: Garden letters"
        assert mail.to == [JANE]
        for body in (str(mail.body), html_of(mail)):
            (token,) = links(body, "j")
            target = read_token(token, JOIN)
            assert target is not None
            assert (target.list_id, target.address) == (letters.pk, str(row.pk))
            assert not links(body, "p")
        assert "Yes, send me Garden letters\nhttp" in mail.body
        assert "The link works for 7 days." in mail.body
        assert "If you did not ask for this, do nothing: you will not be added." in mail.body
        assert "You unsubscribed" not in mail.body

    def test_is_told_since_when_they_are_unsubscribed(self, letters: List) -> None:
        make.make_optout(letters, JANE, requested_at=make.NOW)
        row = ask(letters, language="de")
        assert "4. März 2026" in made(row).body

    def test_is_told_the_day_that_the_page_tells(self, letters: List, realm: Realm) -> None:
        make.make_optout(letters, JANE, requested_at=make.NOW)
        make.make_optout(make.do_not_mail(realm), JANE, requested_at=make.NOW + timedelta(days=3))
        assert "You unsubscribed on 7 March 2026." in made(ask(letters)).body

    def test_gets_nothing_where_they_opted_out_since_they_asked(self, letters: List) -> None:
        row = ask(letters, asked_at=timezone.now() - timedelta(minutes=1))
        make.make_optout(letters, JANE, requested_at=timezone.now())
        assert compose(row, timezone.now()) is None

    @pytest.mark.parametrize("change", [{"join_is_open": False}, {"closed_at": make.NOW}])
    def test_gets_nothing_of_a_list_that_nobody_can_join_any_more(
        self, letters: List, change: dict[str, Any]
    ) -> None:
        row = ask(letters)
        List.objects.update(**change)
        forget_all_lists()
        assert compose(row, timezone.now()) is None

    def test_gets_nothing_after_a_complaint(self, letters: List) -> None:
        make.make_optout(letters, JANE, reason=Reason.COMPLAINED, requested_at=make.NOW)
        assert compose(ask(letters), timezone.now()) is None


class TestSomebodyKnown:
    def test_is_sent_to_what_they_get(self, letters: List) -> None:
        make.make_contact(letters.realm, JANE)
        mail = made(ask(letters))

        assert mail.subject == "What we send you"
        assert not links(str(mail.body), "j")
        self.leads_to_preferences(mail, letters)

    def test_is_told_how_to_get_what_they_signed_up_for(self, letters: List) -> None:
        make.make_contact(letters.realm, JANE)
        told = "To get Garden letters, open the link, tick that list and save."

        assert told in made(ask(letters)).body
        assert told not in made(ask(letters, MailKind.PREFERENCES)).body

    def test_reads_on_in_the_language_of_the_mail(self, letters: List) -> None:
        mail = made(ask(letters, MailKind.PREFERENCES, language="de"))

        for body in (str(mail.body), html_of(mail)):
            assert re.search(r"/p/[\w-]+\?lang=de\b", body)

    def test_came_back_to_another_list_meanwhile_and_still_gets_it(
        self, letters: List, realm: Realm
    ) -> None:
        """Whoever comes back from Do Not Mail is kept out of every other list by a row of that moment, which is no opt-out."""
        other = make.make_list(realm, 2, join_is_open=True)
        now = timezone.now()
        make.make_optout(make.do_not_mail(realm), JANE, requested_at=now - timedelta(days=1))
        waiting = ask(letters, asked_at=now - timedelta(hours=1))
        join_list(
            snapshot(other),
            parse_email(JANE),
            asked_at=waiting.asked_at,
            channel=Channel.JOIN,
            language="en",
            wording="",
            asked_ip=None,
            evidence=Evidence(),
            now=now,
        )
        assert Suppression.objects.filter(optout_list=letters).exists()

        assert "To get Garden letters, open the link" in made(waiting).body

    def test_in_another_realm_is_new(self, letters: List) -> None:
        make.make_contact(make.make_realm("other"), JANE)
        assert made(ask(letters)).subject.startswith("Please confirm")

    def test_whoever_asks_for_the_link_gets_it_known_or_not(
        self, letters: List, realm: Realm
    ) -> None:
        for optout_list in (letters, make.do_not_mail(realm)):
            mail = made(ask(optout_list, MailKind.PREFERENCES))
            assert "Somebody, probably you, typed this address" in mail.body
            self.leads_to_preferences(mail, optout_list)

    def leads_to_preferences(self, mail: Mail, optout_list: List) -> None:
        for body in (str(mail.body), html_of(mail)):
            (token,) = links(body, "p")
            target = read_token(token, PREFERENCES)
            assert target is not None
            assert (target.list_id, target.address) == (optout_list.pk, JANE)


class TestEveryMail:
    def test_is_in_the_senders_name_and_can_be_unsubscribed_from(self, letters: List) -> None:
        sent = made(ask(letters)).message(policy=policy.SMTP)

        assert sent["From"] == "Acme Garden <heed@localhost>"
        assert sent["Reply-To"] == "help@acme.example"
        assert sent["List-Id"] == f"<{letters.public_id}.localhost>"
        (token,) = links(sent["List-Unsubscribe"], "o")
        target = read_token(token)
        assert target is not None
        assert (target.list_id, target.address) == (letters.pk, JANE)
        assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    @pytest.mark.parametrize("kind", MailKind)
    def test_says_the_same_in_text_and_html(self, letters: List, kind: MailKind) -> None:
        mail = made(ask(letters, kind))
        shown = " ".join(unescape(strip_tags(html_of(mail).partition("</style>")[2])).split())
        for line in filter(None, str(mail.body).splitlines()):
            assert line.rstrip(":") in shown

    def test_names_are_text(self, letters: List) -> None:
        List.objects.update(name="<b>100% %(list)s</b> & more", sender_name="A\r\nBcc: b@c.example")
        forget_all_lists()
        mail = made(ask(letters))
        assert "Yes, send me <b>100% %(list)s</b> & more\n" in mail.body
        assert "Yes, send me <bdi>&lt;b&gt;100% %(list)s&lt;/b&gt; &amp; more</bdi>" in html_of(
            mail
        )
        assert "Bcc" not in mail.message(policy=policy.SMTP)

    @pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
    def test_is_in_the_language_it_was_asked_for_in_and_small(
        self, letters: List, language: str
    ) -> None:
        List.objects.update(
            colour="#0a7d4f", own_texts={TextKind.NAME.value: {language: f"Briefe {language}"}}
        )
        make.make_optout(letters, JANE, requested_at=make.NOW)
        forget_all_lists()
        row = ask(letters, language=language)
        for kind in MailKind:
            row.kind = kind
            mail = made(row)
            html = html_of(mail)
            direction = "rtl" if language in {"ar", "he"} else "ltr"
            assert f'<html lang="{language}" dir="{direction}">' in html
            assert len(html.encode()) < 20_000
            assert not re.search(r"src=|url\(|@import|<link|<script|<form", html)
            assert "%(" not in html and "%(" not in mail.body
            if kind == MailKind.JOIN:
                assert f"Briefe {language}" in mail.subject
                assert "2026" in mail.body and "j F Y" not in mail.body
