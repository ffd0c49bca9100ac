"""Making a mail: headers that nobody writes into, a text and an HTML, a logo that travels along."""

import email
import re
from email import policy
from email.message import EmailMessage as Message
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused, SMTPServerDisconnected
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from lists.logos import LogoImage
from lists.mail import Mail, is_refused_for_good, make_mail
from lists.models import List

CONTEXT = {"optout_list": List(name="Garden <b>letters</b>", number=1), "url": "https://x.example/"}
LONG = "حديقة أكمي للنباتات والزهور " * 5  # longer than a header's name may be
EVIL = 'Acme\r\nBcc: all@example.com\x00\u2028\u202e <evil@example.com>, "x"'


def make(**fields: Any) -> Mail:
    said = {"to": "jane@example.com", "subject": "Please look", **fields}
    return make_mail("emails/notice", CONTEXT, **said)


def as_sent(mail: Mail) -> Message:
    """What a mail program reads of the bytes that a mail server gets."""
    octets = mail.message(policy=policy.SMTP).as_bytes()
    return email.message_from_bytes(octets, policy=policy.default)


class TestHeaders:
    def test_say_that_it_is_automatic_in_which_language_and_nothing_of_this_machine(
        self, settings: Settings
    ) -> None:
        settings.DEFAULT_FROM_EMAIL = "Heed <heed@mail.example.com>"
        sent = as_sent(make(language="ar"))
        assert sent["Auto-Submitted"] == "auto-generated"
        assert sent["Content-Language"] == "ar"
        assert sent["From"] == "Heed <heed@mail.example.com>"
        assert sent["Message-ID"].endswith("@mail.example.com>")
        assert not {"List-Unsubscribe", "Reply-To"} & set(sent.keys())

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Acme Garden", "Acme Garden"),
            ("Größe, Ltd. (neu) @home", "Größe, Ltd. (neu) @home"),
            ("x" * 200, "x" * 100),
            (LONG, LONG[:100].strip()),
            (EVIL, 'Acme Bcc: all@example.com <evil@example.com>, "x"'),
        ],
    )
    def test_a_name_is_a_name_and_nothing_else(
        self, settings: Settings, name: str, shown: str
    ) -> None:
        settings.DEFAULT_FROM_EMAIL = "Heed <heed@mail.example.com>"
        sent = as_sent(make(sender=name, subject=name))
        (sender,) = sent["From"].addresses
        # Python reads a space between two halves of an encoded name; mail programs do not.
        assert sender.display_name.replace(" ", "") == shown.replace(" ", "")
        assert sender.addr_spec == "heed@mail.example.com"
        assert sent["Subject"].startswith(shown[:90])
        assert "\r" not in sent["Subject"] and "Bcc" not in sent
        assert sent["To"] == "jane@example.com"

    @pytest.mark.parametrize(
        ("contact", "kept"),
        [
            ("help@acme.example", True),
            ("+1 202 555 0123", False),
            ("help@acme.example\nBcc: all@example.com", False),
            ("a@example.com,b@example.com", False),
            ("help@", False),
            ("größe@acme.example", False),
        ],
    )
    def test_an_answer_goes_to_one_address_or_to_us(self, contact: str, *, kept: bool) -> None:
        assert as_sent(make(reply_to=contact)).get("Reply-To") == (contact if kept else None)

    def test_the_link_to_unsubscribe_is_written_as_it_is_however_long(self) -> None:
        """RFC 8058 wants it readable, in one piece; an encoded one no mail program knows."""
        url = "https://unsubscribe.example.com/o/" + "Ab-_9" * 100
        octets = make(unsubscribe_url=url).message(policy=policy.SMTP).as_bytes()
        assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in octets
        assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in octets


class TestBodies:
    def test_a_text_and_an_html_that_fetches_nothing(self) -> None:
        sent = as_sent(make())
        assert sent.get_content_type() == "multipart/alternative"
        text, html = (part.get_content() for part in sent.iter_parts())
        assert 'the list "Garden <b>letters</b>"' in text
        assert "Garden &lt;b&gt;letters&lt;/b&gt;" in html
        assert not re.search(r"src=|url\(|@import|<link|<script|<form", html)

    @pytest.mark.parametrize(
        ("language", "direction"), [("en", "ltr"), ("de", "ltr"), ("he", "rtl")]
    )
    def test_in_its_language_and_direction(self, language: str, direction: str) -> None:
        html = str(make(language=language).alternatives[0][0])
        assert f'<html lang="{language}" dir="{direction}">' in html

    def test_a_logo_travels_beside_the_html_that_names_it(self) -> None:
        logo = LogoImage("data:…", b"\x89PNG\x00\xff", "image/png", 480, 120)
        sent = as_sent(make(logo=logo))
        _text, related = sent.iter_parts()
        assert related.get_content_type() == "multipart/related"
        html, picture = related.iter_parts()
        assert html.get_content_type() == "text/html"
        assert picture["Content-ID"] == "<logo>"
        assert picture["Content-Disposition"].startswith("inline")
        assert picture.get_content() == logo.bytes


class TestRefusedForGood:
    @pytest.mark.parametrize(
        ("error", "is_over"),
        [
            (SMTPRecipientsRefused({"jane@example.com": (550, b"unknown")}), True),
            (SMTPRecipientsRefused({"jane@example.com": (450, b"greylisted")}), False),
            (SMTPDataError(554, b"no"), True),
            (SMTPDataError(451, b"later"), False),
            (SMTPSenderRefused(550, b"not you", "heed@example.com"), False),
            (SMTPServerDisconnected("gone"), False),
            (TimeoutError(), False),
            (ValueError("Invalid address"), True),
        ],
    )
    def test_is_what_the_server_says_of_the_mail_and_not_of_us(
        self, error: Exception, *, is_over: bool
    ) -> None:
        assert is_refused_for_good(error) is is_over
