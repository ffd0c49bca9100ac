"""Rows in every layout: what a cell may hold, and where lines end."""

import csv
import io
import unicodedata
from collections.abc import Generator, Iterable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.channels.api_web.tables import (
    DELIMITERS,
    Layout,
    Table,
    Wanted,
    clean,
    stream_lines,
    stream_xml,
    write_table,
)

NAMES = ("subscriber_id", "email", "custom_shoe size", "List Name")
HOSTILE = (
    "<script>",
    "]]>",
    "&amp;",
    '"',
    "''",
    "a,b|c\td",
    "\0\x1b\x7f\x85",
    "\u2028",
    "\ufffe",
    "=1+1",
)


def write(rows: Iterable[tuple[str, ...]], layout: Layout, *, headers: bool = False) -> str:
    return write_table(Table(NAMES, list(rows), plain=2), Wanted(layout, headers))


def pieces(*given: bytes) -> Generator[bytes]:
    yield from given


class TestWriting:
    @pytest.mark.parametrize("layout", Layout)
    @pytest.mark.parametrize("headers", [False, True])
    def test_no_rows_are_nothing(self, layout: Layout, headers: bool) -> None:
        assert write([], layout, headers=headers) == ""

    @pytest.mark.parametrize("layout", Layout)
    def test_no_line_end_at_the_end(self, layout: Layout) -> None:
        answer = write([("1", "a@b.example", "", "")] * 2, layout, headers=True)
        assert answer == answer.strip("\n")
        assert "\r" not in answer
        assert answer.count("\n") == (0 if layout == Layout.XML else 2)

    def test_plain_has_the_first_columns_alone_and_no_gaps(self) -> None:
        rows = [("1", "a@b.example", "x", "y"), ("2", "", "x", "y")]
        assert write(rows, Layout.PLAIN) == "1 a@b.example\n2"
        assert write(rows, Layout.PLAIN, headers=True).startswith("subscriber_id email\n1 ")

    def test_names_that_xml_does_not_allow_are_made_to_fit(self) -> None:
        assert write([("1", "a@b.example", "40", "Seeds")], Layout.XML) == (
            "<data><subscriber><subscriber_id>1</subscriber_id><email>a@b.example</email>"
            "<custom_shoe_size>40</custom_shoe_size><List_Name>Seeds</List_Name></subscriber></data>"
        )

    def test_details_follow_their_row(self) -> None:
        table = Table(("a",), [("1",), ("2",)], 1, element="list", details=["<b>3</b>", ""])
        assert write_table(table, Wanted(Layout.XML, headers=False)) == (
            "<data><list><a>1</a><b>3</b></list><list><a>2</a></list></data>"
        )

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_stays_one_cell(self, text: str) -> None:
        self.check(text)

    @given(st.text())
    def test_so_does_any(self, text: str) -> None:
        self.check(text)

    def check(self, text: str) -> None:
        row = ("1", "a@b.example", text, text)
        for layout, delimiter in DELIMITERS.items():
            answer = write([row, row], layout)
            assert len(answer.splitlines()) == 2
            read = list(csv.reader(io.StringIO(answer), delimiter=delimiter))
            assert read == [["1", "a@b.example", clean(text), clean(text)]] * 2
        answer = write([row], Layout.XML)
        assert not any(unicodedata.category(character) == "Cc" for character in answer)
        assert len(answer.splitlines()) == 1
        assert [each.text or "" for each in ET.fromstring(answer)[0]][2:] == [clean(text)] * 2
        assert write([row], Layout.PLAIN).encode()


class TestStreaming:
    def test_lines_are_joined_without_an_end(self) -> None:
        assert list(stream_lines(pieces(b"a\nb\n", b"c\n"), "")) == [b"a\nb", b"\nc"]

    def test_a_header_comes_first_and_only_before_something(self) -> None:
        assert b"".join(stream_lines(pieces(b"a\n", b"b\n"), '"Email"')) == b'"Email"\na\nb'
        assert list(stream_lines(pieces(), '"Email"')) == []

    def test_xml_is_one_document_and_nothing_for_nothing(self) -> None:
        document = b"".join(
            stream_xml(pieces(b'"a&b","1"\n', b'"c",""\n"d","x""y"\n'), ("email", "k"))
        )
        assert document == (
            b"<data><subscriber><email>a&amp;b</email><k>1</k></subscriber>"
            b"<subscriber><email>c</email><k></k></subscriber>"
            b'<subscriber><email>d</email><k>x"y</k></subscriber></data>'
        )
        assert list(stream_xml(pieces(), ("email",))) == []

    @pytest.mark.parametrize("is_xml", [False, True])
    def test_closing_it_early_closes_what_it_reads(self, is_xml: bool) -> None:
        closed = []

        def reading() -> Generator[bytes]:
            try:
                while True:
                    yield b"a\n"
            finally:
                closed.append(True)

        stream = stream_xml(reading(), ("email",)) if is_xml else stream_lines(reading(), "")
        next(stream)
        stream.close()
        assert closed == [True]

    def test_an_error_is_no_end(self) -> None:
        def breaking() -> Generator[bytes]:
            yield b"a\n"
            raise OSError

        stream = stream_xml(breaking(), ("email",))
        assert next(stream).startswith(b"<data>")
        with pytest.raises(OSError):  # noqa: PT011
            next(stream)
