"""EMAIL_URL and MAIL_FROM: what they may say, and what is told at start of what they may not."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from config.mail import mail_from, mail_settings

SMTP = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}


def options(**fields: Any) -> dict[str, Any]:
    return {"port": None, "username": "", "password": "", "timeout": 20, **fields}


class TestTheMailServer:
    @pytest.mark.parametrize(
        ("url", "wanted"),
        [
            ("smtp://mail.internal", options(host="mail.internal")),
            ("smtp://[::1]:2525", options(host="::1", port=2525)),
            (
                "smtp+tls://heed:p%40ss%2Fword@mail.example.com:587",
                options(
                    host="mail.example.com",
                    port=587,
                    username="heed",
                    password="p@ss/word",
                    use_tls=True,
                ),
            ),
            (
                "smtps://heed%40example.com:s@mail.example.com",
                options(
                    host="mail.example.com", username="heed@example.com", password="s", use_ssl=True
                ),
            ),
        ],
    )
    def test_is_what_the_address_says(self, url: str, wanted: dict[str, Any]) -> None:
        assert mail_settings(url) == SMTP | {"OPTIONS": wanted}

    def test_mails_are_printed_where_there_is_none(self) -> None:
        backend = "django.core.mail.backends.console.EmailBackend"
        assert mail_settings("consolemail://") == {"BACKEND": backend}

    @pytest.mark.parametrize(
        "url", ["", "mail.example.com", "smtp://", "https://x:canary@y", "smtp://u:canary@h:port"]
    )
    def test_another_one_stops_the_start_without_its_password(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must look like") as told:
            mail_settings(url)
        assert "canary" not in str(told.value)


class TestWhoMailsComeFrom:
    @pytest.mark.parametrize(
        "text", ["heed@example.com", "Heed <heed@localhost>", '"Größe, Ltd." <heed@example.com>']
    )
    def test_is_one_address(self, text: str) -> None:
        assert mail_from(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Heed",
            "heed@",
            "a@example.com, b@example.com",
            "Acme, Inc. <heed@example.com>",
            "Heed <heed@example.com>\nBcc: all@example.com",
            "Heed <größe@example.com>",
        ],
    )
    def test_anything_else_stops_the_start(self, text: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="MAIL_FROM must look like"):
            mail_from(text)


class TestWhatIsTold:
    @pytest.mark.parametrize(
        ("base_url", "backend", "sender", "told"),
        [
            ("http://localhost:8000", "console", "heed@localhost", set()),
            (
                "https://out.example.com",
                "console",
                "Heed <heed@localhost>",
                {"heed.W006", "heed.W007"},
            ),
            ("https://out.example.com", "smtp", "heed@example.com", set()),
        ],
    )
    def test_of_mails_that_would_not_arrive(
        self, settings: Any, base_url: str, backend: str, sender: str, told: set[str]
    ) -> None:
        settings.BASE_URL, settings.DEFAULT_FROM_EMAIL = base_url, sender
        settings.MAILERS = {"default": {"BACKEND": f"x.{backend}.EmailBackend"}}
        found = {each.id for each in run_checks(include_deployment_checks=True)}
        assert found & {"heed.W006", "heed.W007"} == told
