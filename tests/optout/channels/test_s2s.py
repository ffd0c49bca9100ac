import json
from io import BytesIO
from typing import Any

import pytest

from lists.models import List
from optout.choices import Assurance, Channel, RefusalCause
from optout.models import OptOut, QuarantinedOptOut, Suppression
from optout.replies import GIF
from tests.optout.channels.cases import JANE, ChannelCases, Target, assert_nothing_recorded
from tests.pages import BROWSER, SERVER, PublicClient

IP = "192.0.2.7"


@pytest.fixture
def listed(optout_list: List) -> List:
    """The list, with our test server on its whitelist."""
    List.objects.update(whitelist=[IP])
    return optout_list


@pytest.mark.usefixtures("_everybody_lists_our_server")
class TestServerToServer(ChannelCases):
    channel = Channel.S2S
    assurance = Assurance.WHITELISTED_IP
    agent = "PHP/8.3"

    @pytest.fixture
    def _everybody_lists_our_server(self, optout_list: List) -> None:
        List.objects.update(whitelist=[IP])

    def send(self, target: Target) -> Any:
        public_id = "forged0forged0" if target.is_forged else target.public_id
        return PublicClient(SERVER).get(f"/u/{public_id}?item={target.item}")


@pytest.mark.django_db
class TestAnswers:
    def test_ok_in_text(self, listed: List) -> None:
        response = PublicClient(SERVER).get(f"/u/{listed.public_id}?item={JANE}")

        assert (response.status_code, response.content) == (200, b"OK")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"

    def test_json_where_it_is_preferred(self, listed: List) -> None:
        client = PublicClient({**SERVER, "accept": "application/json, text/plain, */*"})

        response = client.get(f"/u/{listed.public_id}?item={JANE}")

        assert json.loads(response.content) == {"status": "recorded", "list": listed.public_id}
        refused = client.get(f"/u/{listed.public_id}?item=nobody")
        assert json.loads(refused.content)["status"] == "rejected"

    @pytest.mark.parametrize("mode", ["confirm", "instant"])
    def test_it_acts_in_either_mode_and_is_never_redirected(self, listed: List, mode: str) -> None:
        List.objects.update(direct_link_mode=mode, redirect_url="https://www.acme.example/bye")

        response = PublicClient(SERVER).get(f"/u/{listed.public_id}?item={JANE}")

        assert (response.status_code, "Location" in response.headers) == (200, False)
        assert "Refresh" not in response.headers
        assert Suppression.objects.count() == 1

    @pytest.mark.parametrize("body", ["item=jane@example.com", "email=jane%40example.com"])
    def test_it_may_post(self, listed: List, body: str) -> None:
        response = PublicClient(SERVER).send(f"/u/{listed.public_id}", body)

        assert response.content == b"OK"
        assert OptOut.objects.get().address == JANE

    def test_it_may_post_multipart(self, listed: List) -> None:
        response = PublicClient(SERVER).post(f"/u/{listed.public_id}", {"item": JANE})

        assert response.content == b"OK"
        assert OptOut.objects.get().address == JANE

    def test_it_may_post_multipart_in_chunks(self, listed: List) -> None:
        """Nobody announced the length then."""
        body = b'--b\r\nContent-Disposition: form-data; name="item"\r\n\r\njane@example.com\r\n--b--\r\n'
        chunked: Any = {
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
            "CONTENT_TYPE": "multipart/form-data; boundary=b",
        }

        response = PublicClient(SERVER).generic("POST", f"/u/{listed.public_id}", **chunked)

        assert response.content == b"OK"
        assert OptOut.objects.get().address == JANE

    def test_a_plus_sent_raw_in_a_body_is_mended(self, listed: List) -> None:
        PublicClient(SERVER).send(f"/u/{listed.public_id}", "item=jane+tag@example.com")

        assert OptOut.objects.get().address == "jane+tag@example.com"

    def test_the_pixel_path_answers_with_the_pixel(self, listed: List) -> None:
        response = PublicClient(SERVER).get(f"/u/{listed.public_id}.gif?item={JANE}")

        assert response.content == GIF
        assert OptOut.objects.get().channel == Channel.S2S

    @pytest.mark.parametrize(
        "query", ["", "?item=", "?item=nobody", "?item=a@b.example&item=c@d.example"]
    )
    def test_a_bad_address_is_named_and_nothing_recorded(self, listed: List, query: str) -> None:
        response = PublicClient(SERVER).get(f"/u/{listed.public_id}{query}")

        assert response.status_code == 400
        assert response.headers["Content-Type"].startswith("text/plain")
        assert response.headers["Optout-Status"] == "rejected"
        assert len(response.content) > 20
        assert_nothing_recorded()

    def test_it_is_never_counted(self, listed: List) -> None:
        client = PublicClient(SERVER)
        for n in range(120):
            assert client.get(f"/u/{listed.public_id}?item=p{n}@example.com").status_code == 200
        assert Suppression.objects.count() == 120

    def test_it_takes_one_query(self, listed: List, settings, django_assert_num_queries) -> None:
        settings.LIST_CACHE_SECONDS = 60
        client = PublicClient(SERVER)
        client.get(f"/u/{listed.public_id}?item={JANE}")

        with django_assert_num_queries(1):
            client.get(f"/u/{listed.public_id}?item={JANE}")

    def test_a_browser_on_a_whitelisted_network_acts_too(self, listed: List) -> None:
        """security.md §3: the whitelist comes before the person."""
        assert PublicClient(BROWSER).get(f"/u/{listed.public_id}?item={JANE}").content == b"OK"

    def test_but_it_is_shown_the_form_where_there_is_no_address(self, listed: List) -> None:
        response = PublicClient(BROWSER).get(f"/u/{listed.public_id}")

        assert b"<form" in response.content
        assert_nothing_recorded()

    def test_and_its_form_is_a_form(self, listed: List) -> None:
        client = PublicClient(BROWSER)
        path = f"/u/{listed.public_id}"

        assert client.press(client.get(path), path, item=JANE).status_code == 303
        assert OptOut.objects.get().channel == Channel.PAGE


@pytest.mark.django_db
class TestNotOnTheWhitelist:
    @pytest.mark.parametrize("whitelist", [[], ["198.51.100.0/24"]])
    def test_it_is_told_why_and_the_request_is_kept(
        self, optout_list: List, whitelist: list[str]
    ) -> None:
        """security.md §3.7."""
        List.objects.update(whitelist=whitelist)

        response = PublicClient(SERVER).get(f"/u/{optout_list.public_id}?item={JANE}")

        assert response.status_code == 403
        assert b"not on the list's whitelist. Ask the list owner to allow it." in response.content
        assert response.headers["Optout-Status"] == "quarantined"
        kept = QuarantinedOptOut.objects.get()
        assert (kept.cause, kept.address, kept.ip) == (RefusalCause.UNLISTED_SERVER, JANE, IP)
        assert not Suppression.objects.exists()

    @pytest.mark.parametrize(
        "headers", [{}, {"user-agent": "AcmeShop/1.0", "accept": "*/*"}, {"accept": "*/*"}]
    )
    def test_a_program_of_the_mailers_own_is_a_server_too(
        self, optout_list: List, headers: dict[str, str]
    ) -> None:
        """S0.12: PHP's `file_get_contents` sends no agent; a 200 would tell it that all is well."""
        response = PublicClient(headers).get(f"/u/{optout_list.public_id}?item={JANE}")

        assert response.status_code == 403
        kept = QuarantinedOptOut.objects.get()
        assert (kept.cause, kept.channel) == (RefusalCause.UNLISTED_SERVER, Channel.S2S)

    def test_a_post_is_the_same(self, optout_list: List) -> None:
        response = PublicClient(SERVER).send(f"/u/{optout_list.public_id}", f"item={JANE}")

        assert response.status_code == 403
        assert QuarantinedOptOut.objects.get().channel == Channel.S2S

    def test_without_an_address_it_sees_the_form(self, optout_list: List) -> None:
        response = PublicClient(SERVER).get(f"/u/{optout_list.public_id}")

        assert response.status_code == 200
        assert b"<form" in response.content

    def test_a_forged_header_does_not_put_it_on_the_whitelist(self, listed: List) -> None:
        """AT-06: without a trusted proxy a forwarded address is a word of the caller."""
        client = PublicClient({**SERVER, "x-forwarded-for": IP}, ip="203.0.113.9")

        assert client.get(f"/u/{listed.public_id}?item={JANE}").status_code == 403
        assert not Suppression.objects.exists()
