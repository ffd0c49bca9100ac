import django
from django.http import HttpResponse
from django.http.response import ResponseHeaders

LOOK = f"Django {django.__version__} keeps headers in another way: see add_headers in optout/channels/rest/door.py"


class TestWhatAddHeadersLeansOn:
    """It gives an answer its headers past Django: where those are kept is nobody's promise."""

    def test_headers_are_kept_by_their_small_name(self) -> None:
        assert vars(ResponseHeaders({"X-Own": "a b"})) == {"_store": {"x-own": ("X-Own", "a b")}}, (
            LOOK
        )

    def test_an_answer_reads_them_from_there(self) -> None:
        answer = HttpResponse()
        answer.headers._store = {"x-own": ("X-Own", "a b")}
        assert (answer.headers["X-OWN"], list(answer.items())) == ("a b", [("X-Own", "a b")]), LOOK
        assert answer.serialize_headers() == b"X-Own: a b", LOOK
