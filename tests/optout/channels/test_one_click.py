import base64
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone

from lists.models import List
from optout.choices import Assurance, Channel, RefusalCause
from optout.models import OptOut, QuarantinedOptOut, Suppression
from tests import make
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.pages import BROWSER, ONE_CLICK, PROVIDER, URLENCODED, PublicClient, signed_path

MULTIPART = (
    b'--frontier\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n--frontier--\r\n"
)


class TestSignedOneClick(ChannelCases):
    channel = Channel.ONE_CLICK
    assurance = Assurance.SIGNED
    agent = ""

    def send(self, target: Target) -> Any:
        path = signed_path(target.list_id, target.item)
        return PublicClient(PROVIDER).send(
            path[:-3] + "AAA" if target.is_forged else path, ONE_CLICK
        )


class TestUnsignedOneClick(ChannelCases):
    channel = Channel.ONE_CLICK
    assurance = Assurance.PREFILLED
    agent = ""

    def send(self, target: Target) -> Any:
        public_id = "forged0forged0" if target.is_forged else target.public_id
        return PublicClient(PROVIDER).send(f"/u/{public_id}?item={target.item}", ONE_CLICK)


@pytest.mark.django_db
class TestWhatProvidersSend:
    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (ONE_CLICK, URLENCODED),
            ("list-unsubscribe=one-click", URLENCODED),
            (ONE_CLICK + "\r\n", "text/plain"),
            (ONE_CLICK, ""),
            (MULTIPART, "multipart/form-data; boundary=frontier"),
            (MULTIPART, URLENCODED),
            ("", URLENCODED),
            ("something=else", "application/json"),
        ],
    )
    def test_any_post_without_a_page_acts_on_a_signed_link(
        self, optout_list: List, body: Any, content_type: str
    ) -> None:
        """security.md §3.2: the token is what counts; bodies and content types come as they like."""
        response = PublicClient(PROVIDER).post(
            signed_path(optout_list.pk), body, content_type=content_type
        )

        assert response.status_code == 200
        assert response.content == b"You are unsubscribed."
        assert response.headers["Content-Type"].startswith("text/plain")
        assert Suppression.objects.get().address == JANE

    def test_a_body_sent_in_chunks_is_read(self, optout_list: List) -> None:
        chunked: Any = {
            "wsgi.input": BytesIO(ONE_CLICK.encode()),
            "wsgi.input_terminated": True,
        }
        response = PublicClient(PROVIDER).generic(
            "POST",
            f"/u/{optout_list.public_id}?item={JANE}",
            **chunked,
        )

        assert response.status_code == 200
        assert OptOut.objects.get().channel == Channel.ONE_CLICK

    def test_a_browser_that_accepts_html_may_send_the_one_click_body(
        self, optout_list: List
    ) -> None:
        response = PublicClient(BROWSER).send(signed_path(optout_list.pk), ONE_CLICK)

        assert response.status_code == 200
        assert OptOut.objects.get().channel == Channel.ONE_CLICK

    def test_it_takes_one_query(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        client, path = PublicClient(PROVIDER), signed_path(optout_list.pk)
        client.send(path, ONE_CLICK)

        with django_assert_num_queries(1):
            client.send(path, ONE_CLICK)


@pytest.mark.django_db
class TestNeverLimited:
    def test_500_tokens_from_one_address_are_all_recorded(self, optout_list: List) -> None:
        """AT-09: mail providers post for all their users from few servers. (The system test sends 5,000.)"""
        client = PublicClient(PROVIDER)

        answers = {
            client.send(signed_path(optout_list.pk, f"p{n}@example.com"), ONE_CLICK).status_code
            for n in range(500)
        }

        assert answers == {200}
        assert Suppression.objects.count() == 500

    def test_unsigned_ones_are(self, optout_list: List) -> None:
        client = PublicClient(PROVIDER)
        for n in range(20):
            client.send(f"/u/{optout_list.public_id}?item=p{n}@example.com", ONE_CLICK)

        response = client.send(f"/u/{optout_list.public_id}?item=more@example.com", ONE_CLICK)

        assert response.status_code == 429
        assert response.headers["Retry-After"] == "3600"
        assert response.headers["Optout-Status"] == "quarantined"
        assert Suppression.objects.count() == 20
        assert QuarantinedOptOut.objects.get().cause == RefusalCause.BLOCKED_IP


@pytest.mark.django_db
class TestUnsigned:
    def test_in_protected_mode_it_is_kept_and_says_so(self, optout_list: List) -> None:
        """AT-02: as the pixel does, which cannot show a confirm page either."""
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))

        response = PublicClient(PROVIDER).send(f"/u/{optout_list.public_id}?item={JANE}", ONE_CLICK)

        assert response.status_code == 200
        assert response.content == b"Your request was kept. The sender has to check it first."
        assert response.headers["Optout-Status"] == "quarantined"
        assert "Retry-After" not in response.headers

    def test_over_5_addresses_it_still_acts(self, optout_list: List) -> None:
        """Only the block stops what cannot show a confirm page (S0.15)."""
        client = PublicClient(PROVIDER)
        for n in range(20):
            path = f"/u/{optout_list.public_id}?item=p{n}@example.com"
            assert client.send(path, ONE_CLICK).headers["Optout-Status"] == "recorded"

    def test_a_page_of_another_site_cannot_make_browsers_send_it(self, optout_list: List) -> None:
        """AT-02."""
        response = PublicClient(BROWSER).send(
            f"/u/{optout_list.public_id}?item={JANE}",
            ONE_CLICK,
            headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        )

        assert response.status_code == 403
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        "query", ["", "?item=", "?item=nobody", "?item=a@b.example&email=c@d.example"]
    )
    def test_without_one_good_address_it_is_refused(self, optout_list: List, query: str) -> None:
        response = PublicClient(PROVIDER).send(f"/u/{optout_list.public_id}{query}", ONE_CLICK)

        assert response.status_code == 400
        assert response.headers["Optout-Status"] == "rejected"
        assert response.content.strip()
        assert_nothing_recorded()

    def test_an_unknown_link_is_answered_in_text(self, db: None) -> None:
        response = PublicClient(PROVIDER).send("/o/nonsense", ONE_CLICK)

        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/plain")


@pytest.mark.django_db
class TestForgedTokens:
    def test_each_flipped_byte_is_refused(self, optout_list: List) -> None:
        """AT-04."""
        path = signed_path(optout_list.pk)
        client = PublicClient(PROVIDER)
        for at in range(len("/o/"), len(path)):
            spoilt = path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :]
            assert client.send(spoilt, ONE_CLICK).status_code == 404, at
        assert_nothing_recorded()

    def test_a_token_belongs_to_its_list(self, optout_list: List) -> None:
        """AT-05: the list's number is inside, authenticated; another list's key does not open it."""
        other = make.make_list(optout_list.realm, 7)
        token = signed_path(optout_list.pk).removeprefix("/o/")
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        moved = raw[:2] + other.pk.to_bytes(4) + raw[6:]

        path = "/o/" + base64.urlsafe_b64encode(moved).rstrip(b"=").decode()
        assert PublicClient(PROVIDER).send(path, ONE_CLICK).status_code == 404
        assert_nothing_recorded()
