"""A whitelist binds downloads as soon as it has an entry: whoever gives it the first, or takes the last, is told."""

from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from lists.models import List, User
from tests import make
from tests.lists.screens import look_at, open_screen
from tests.reporting.portal import signed_in

NOW_BOUND = "Downloads with a key now work only from"
NOW_FREE = "downloads with a key work from anywhere again"


def save_whitelist(user: User, optout_list: List, text: str) -> str:
    """Save the list's settings with another whitelist; the screen that follows."""
    client = signed_in(user)
    path = f"/manage/lists/{optout_list.public_id}/settings"
    fields = {name: values[-1] for name, values in open_screen(client, path).fields.items()}
    fields |= {"default_language": "", "locked_language": "", "whitelist": text}
    return unescape(look_at(client.post(path, fields, follow=True)).text)


def allow(user: User, optout_list: List) -> str:
    """Press "Allow this IP" for 203.0.113.5."""
    path = f"/manage/lists/{optout_list.public_id}/quarantine/network"
    sent = {"network": "203.0.113.5/32", "how": "allow"}
    return unescape(look_at(signed_in(user).post(path, sent, follow=True)).text)


@pytest.mark.django_db
class TestFirstAndLastEntry:
    def test_the_first_entry_of_the_settings_is_said_to_bind_downloads(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_download_key(optout_list)
        said = save_whitelist(bob, optout_list, "192.0.2.10, 192.0.2.11 192.0.2.12 192.0.2.13")
        assert f"Saved. {NOW_BOUND} 192.0.2.10, 192.0.2.11, 192.0.2.12 and 1 more." in said

    def test_so_is_the_first_that_is_allowed_from_quarantine(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_download_key(optout_list)
        assert f"{NOW_BOUND} 203.0.113.5" in allow(bob, optout_list)

    def test_taking_the_last_one_away_says_that_they_are_free_again(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_download_key(optout_list)
        save_whitelist(bob, optout_list, "192.0.2.10")
        assert NOW_FREE in save_whitelist(bob, optout_list, "")

    def test_a_second_entry_says_nothing(self, bob: User, optout_list: List) -> None:
        make.make_download_key(optout_list)
        save_whitelist(bob, optout_list, "192.0.2.10")
        assert NOW_BOUND not in allow(bob, optout_list)

    def test_without_a_key_in_use_there_is_nobody_to_tell_about(
        self, bob: User, optout_list: List
    ) -> None:
        make.make_download_key(optout_list, is_active=False)
        make.make_download_key(optout_list, expires_at=timezone.now() - timedelta(days=1))
        said = save_whitelist(bob, optout_list, "192.0.2.10")
        assert "Saved." in said and NOW_BOUND not in said
