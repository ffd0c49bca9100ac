"""The promises of the README (security.md §7), each through the front door. What needs real processes is in tests/system/."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from lists.models import List
from optout.links import make_token
from optout.models import OptOut, Suppression
from optout.queries import is_suppressed
from optout.short_links import TOKEN_LENGTH, short_url
from reporting import upkeep
from tests import make

pytestmark = pytest.mark.django_db

BROWSER = {
    "accept": "text/html",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}


def one_click(optout_list: List, address: str = "jane@example.com") -> Any:
    return Client().post(
        f"/o/{make_token(optout_list.pk, address)}",
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )


def download(optout_list: List, key: str) -> list[str]:
    response = Client().get(f"/d/{optout_list.public_id}", {"key": key})
    return b"".join(response).decode().split()


def md5(address: str) -> str:
    return hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()


class TestReadYourWrites:
    """Promise 2: a check or download that starts after the answer includes it."""

    def test_a_look_up_and_a_download_include_what_was_answered(self, optout_list: List) -> None:
        key, _row = make.make_download_key(optout_list)
        download(optout_list, key)

        assert one_click(optout_list).status_code == 200

        assert is_suppressed(optout_list.pk, "jane@example.com")
        assert download(optout_list, key) == [md5("jane@example.com")]


class TestIdempotent:
    """Promise 3: any repeat gives the same answer and one suppression."""

    def test_every_repeat_is_answered_alike(self, optout_list: List) -> None:
        answers = [one_click(optout_list) for _ in range(3)]

        assert len({(each.status_code, each.content) for each in answers}) == 1
        assert Suppression.objects.count() == 1
        assert OptOut.objects.count() == 3


class TestNothingExpires:
    """Promise 5: no deletion by age, no expiry of links."""

    def test_after_twenty_years_links_work_and_suppressions_hold(self, optout_list: List) -> None:
        path = f"/o/{make_token(optout_list.pk, 'late@example.com')}"
        one_click(optout_list, "early@example.com")
        key, _row = make.make_download_key(optout_list)

        with time_machine.travel(datetime(2046, 11, 21, 12, 0, tzinfo=UTC), tick=False):
            response = Client().post(
                path,
                "List-Unsubscribe=One-Click",
                content_type="application/x-www-form-urlencoded",
            )
            for work in (upkeep.accept_quarantined, upkeep.tend_limits, upkeep.apply_retention):
                work(timezone.now())
            kept = download(optout_list, key)

        assert response.status_code == 200
        assert sorted(kept) == sorted([md5("early@example.com"), md5("late@example.com")])


class TestNoOptOutByScanner:
    """Promise 6: opening a link changes nothing in the default mode, whoever opens it."""

    @pytest.mark.parametrize(
        "headers",
        [
            BROWSER,
            BROWSER | {"user-agent": "Mozilla/5.0 HeadlessChrome/141.0.0.0 Safari/537.36"},
            BROWSER | {"user-agent": "Mozilla/5.0 (compatible; Barracuda Sentinel)"},
            BROWSER | {"sec-purpose": "prefetch"},
            {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
            {"user-agent": "python-requests/2.32.4"},
            {"user-agent": ""},
            {},
        ],
        ids=lambda headers: headers.get("user-agent", "nothing")[-24:],
    )
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_opening_every_link_changes_nothing(
        self, optout_list: List, headers: dict[str, str], method: str
    ) -> None:
        client = Client(headers=headers)
        make.make_global_unsubscribe(optout_list.realm)
        for path in (
            "/unsubscribe/unsubscribe?email=jane@example.com",
            "/unsubscribe/unsubscribe?responseType=html&email=jane@example.com&phoneNumber=%2B12025550123",
            f"/u/{optout_list.public_id}?item=jane@example.com",
            f"/u/{optout_list.public_id}?email=jane@example.com",
            f"/u/{optout_list.public_id}",
            f"/o/{make_token(optout_list.pk, 'jane@example.com')}",
            f"/s/{short_url(optout_list.pk, '+12025550123')[-TOKEN_LENGTH:]}",
            f"/s/{optout_list.public_id}?phone=%2B12025550123",
        ):
            assert getattr(client, method)(path).status_code in {200, 403}

        assert not Suppression.objects.exists()
        assert not OptOut.objects.exists()

    def test_the_default_asks_once_more(self, optout_list: List, settings: Any) -> None:
        assert optout_list.direct_link_mode == "confirm"
        assert settings.DIRECT_LINK_DEFAULT == "confirm"


class TestFailClosed:
    """Promise 8: an error is never answered as "not suppressed"."""

    def test_a_look_up_that_fails_is_an_error(self, optout_list: List) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE optout_suppression RENAME TO out_of_reach")

        with pytest.raises(DatabaseError):
            is_suppressed(optout_list.pk, "jane@example.com")
