import pytest

from lists.models import List
from optout.links import preferences_url
from tests.pages import SERVER, PublicClient, parse


@pytest.mark.django_db
class TestABrokenLink:
    def test_is_not_called_an_unsubscribe_link(self, optout_list: List) -> None:
        path = "/p/" + preferences_url(optout_list.pk, "jane@example.com").rpartition("/")[2]
        page = PublicClient().get(path[:-2])

        assert page.status_code == 404
        assert "This link does not work" in parse(page.content.decode()).text
        assert "unsubscribe link" not in page.content.decode()

    def test_also_to_a_program(self) -> None:
        answer = PublicClient(SERVER).get("/p/AAAA-cut-off")

        assert answer.status_code == 404 and b"unsubscribe" not in answer.content
