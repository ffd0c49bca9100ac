from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lists.models import List
from optout.choices import Assurance, Channel, RefusalCause
from optout.models import OptOut, QuarantinedOptOut, Suppression
from optout.replies import GIF
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.pages import BROWSER, IMAGE, PublicClient

GOOGLE = {
    "user-agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
}
APPLE = {"user-agent": "Mozilla/5.0", "accept": "*/*"}


def pixel_path(optout_list: List, item: str = JANE) -> str:
    return f"/u/{optout_list.public_id}.gif?item={item}"


class TestPixel(ChannelCases):
    channel = Channel.PIXEL
    assurance = Assurance.PREFILLED

    def send(self, target: Target) -> Any:
        public_id = "forged0forged0" if target.is_forged else target.public_id
        return PublicClient(IMAGE).get(f"/u/{public_id}.gif?item={target.item}")


class TestDirectLinkAsImage(ChannelCases):
    """S0.11: one URL, three callers. An <img> of the direct link is a pixel."""

    channel = Channel.PIXEL
    assurance = Assurance.PREFILLED

    def send(self, target: Target) -> Any:
        public_id = "forged0forged0" if target.is_forged else target.public_id
        return PublicClient(IMAGE).get(f"/u/{public_id}?item={target.item}")


@pytest.mark.django_db
class TestAnswer:
    def test_it_is_a_gif_of_43_bytes_and_never_a_redirect(self, optout_list: List) -> None:
        """S0.11, S0.15."""
        List.objects.update(redirect_url="https://www.acme.example/bye", direct_link_mode="instant")

        response = PublicClient(IMAGE).get(pixel_path(optout_list))

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/gif"
        assert response.content == GIF and len(GIF) == 43
        assert GIF.startswith(b"GIF89a\x01\x00\x01\x00")
        assert response.headers["Optout-Status"] == "recorded"

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/u/{}.gif?item=nobody", 400),
            ("/u/{}.gif", 400),
            ("/u/nosuchlist00.gif?item=a@b.example", 404),
        ],
    )
    def test_it_is_a_gif_whatever_is_wrong(self, optout_list: List, path: str, status: int) -> None:
        response = PublicClient(IMAGE).get(path.format(optout_list.public_id))

        assert response.status_code == status
        assert response.content == GIF
        assert response.headers["Optout-Status"] == "rejected"
        assert_nothing_recorded()

    def test_loading_it_twice_is_one_opt_out_of_the_state(self, optout_list: List) -> None:
        """S0.15: one person loading it twice."""
        client = PublicClient(IMAGE)
        client.get(pixel_path(optout_list))
        client.get(pixel_path(optout_list))

        assert Suppression.objects.count() == 1
        assert OptOut.objects.filter(is_new=True).count() == 1

    @pytest.mark.parametrize("header", ["sec-purpose", "purpose", "x-moz"])
    def test_loading_ahead_records_nothing(self, optout_list: List, header: str) -> None:
        response = PublicClient({**IMAGE, header: "prefetch"}).get(pixel_path(optout_list))

        assert response.content == GIF
        assert "Optout-Status" not in response.headers
        assert_nothing_recorded()

    def test_head_records_nothing(self, optout_list: List) -> None:
        response = PublicClient(IMAGE).head(pixel_path(optout_list))

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/gif"
        assert_nothing_recorded()

    def test_opening_the_pixel_by_hand_is_still_a_pixel(self, optout_list: List) -> None:
        assert PublicClient(BROWSER).get(pixel_path(optout_list)).content == GIF
        assert OptOut.objects.get().channel == Channel.PIXEL

    def test_it_takes_two_queries(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        client = PublicClient(IMAGE)
        client.get(pixel_path(optout_list))

        with django_assert_num_queries(2):
            client.get(pixel_path(optout_list))


@pytest.mark.django_db
class TestInsideAMail:
    @pytest.mark.parametrize("agent", [GOOGLE, APPLE])
    def test_opening_a_mail_is_no_opt_out_and_the_owner_is_warned(
        self, optout_list: List, agent: dict[str, str]
    ) -> None:
        """security.md §3.4."""
        response = PublicClient(agent).get(pixel_path(optout_list))

        assert response.content == GIF
        assert_nothing_recorded()
        optout_list.refresh_from_db()
        assert optout_list.pixel_in_mail_at is not None


@pytest.mark.django_db
class TestLimits:
    def load(self, optout_list: List, count: int) -> Any:
        client = PublicClient(IMAGE)
        for n in range(count):
            response = client.get(pixel_path(optout_list, f"p{n}@example.com"))
        return response

    def test_below_the_block_threshold_it_is_never_stopped(self, optout_list: List) -> None:
        """S0.15: hits come from recipients' browsers, many of them behind one address."""
        assert self.load(optout_list, 20).headers["Optout-Status"] == "recorded"
        assert Suppression.objects.count() == 20

    def test_over_it_the_request_is_kept(self, optout_list: List) -> None:
        response = self.load(optout_list, 21)

        assert (response.status_code, response.content) == (429, GIF)
        assert int(response.headers["Retry-After"]) > 0
        kept = QuarantinedOptOut.objects.get()
        assert (kept.address, kept.channel) == ("p20@example.com", Channel.PIXEL)

    def test_in_protected_mode_it_is_kept_for_the_owner(self, optout_list: List) -> None:
        List.objects.update(protected_until=timezone.now() + timedelta(hours=1))

        response = PublicClient(IMAGE).get(pixel_path(optout_list))

        assert (response.status_code, response.content) == (200, GIF)
        assert response.headers["Optout-Status"] == "quarantined"
        assert QuarantinedOptOut.objects.get().cause == RefusalCause.PROTECTED_MODE
        assert not Suppression.objects.exists()
