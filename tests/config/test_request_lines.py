import pytest

from config.request_lines import mend_request_line


class TestMending:
    @pytest.mark.parametrize(
        ("sent", "read"),
        [
            (
                b"GET /api_web?c=unsub&data=email,first ^jane@x.com HTTP/1.1",
                b"GET /api_web?c=unsub&data=email,first%20^jane@x.com HTTP/1.1",
            ),
            (b"POST /bin/api_web?a=J\xf6rg HTTP/1.0", b"POST /bin/api_web?a=J%F6rg HTTP/1.0"),
            (b"GET /api_web/?a=b c HTTP/1.1", b"GET /api_web/?a=b%20c HTTP/1.1"),
            (b"GET /api_web?a=%20+b%zz HTTP/1.1", b"GET /api_web?a=%20+b%zz HTTP/1.1"),
            (
                b"GET /unsubscribe/unsubscribe?customField1=Too many HTTP/1.1",
                b"GET /unsubscribe/unsubscribe?customField1=Too%20many HTTP/1.1",
            ),
            (
                b"GET //unsubscribe/unsubscribe?customField1=Too many HTTP/1.1",
                b"GET //unsubscribe/unsubscribe?customField1=Too%20many HTTP/1.1",
            ),
            (
                b"GET /g/a1B2c3D4/unsubscribe/unsubscribe/?website=b\xfccher.example HTTP/1.0",
                b"GET /g/a1B2c3D4/unsubscribe/unsubscribe/?website=b%FCcher.example HTTP/1.0",
            ),
        ],
    )
    def test_a_command_is_escaped(self, sent: bytes, read: bytes) -> None:
        assert mend_request_line(sent) == read

    @pytest.mark.parametrize(
        "line",
        [
            b"GET /u/x?item=a b HTTP/1.1",
            b"GET /api_webs?a=b c HTTP/1.1",
            b"GET /unsubscribe/done?a=b c HTTP/1.1",
            b"GET /api web?a=b HTTP/1.1",
            b"PUT /api_web?a=b c HTTP/1.1",
            b"GET /api_web?a=b c HTTP/2",
            b"GET /api_web?a=b c",
            b"GET http://host/api_web?a=b c HTTP/1.1",
            b"",
        ],
    )
    def test_every_other_line_stays(self, line: bytes) -> None:
        assert mend_request_line(line) == line
