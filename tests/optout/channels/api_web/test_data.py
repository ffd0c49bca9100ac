"""The records of a command: what is read, what is one failure of many, what fails as a whole (S4.5, S4.8, S4.11, AT-35-43)."""

import contextlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optout.addresses import AddressError, parse_email
from optout.channels.api_web.data import MAX_FIELDS, MAX_RECORDS, email_value, read_data
from optout.channels.api_web.lines import CommandError

JANE, JOE = "jane@example.com", "joe@example.com"
NO_AT = st.characters(exclude_characters="@")


def records(text: str) -> list[tuple[str, ...] | None]:
    """The records with blanks for the values that they left out."""
    data = read_data(text)
    length = len(data.fields)
    return [each if each is None else each + ("",) * (length - len(each)) for each in data.records]


def reason(text: str) -> str:
    with pytest.raises(CommandError) as caught:
        read_data(text)
    said = caught.value.reason
    assert said and ":" not in said and "\n" not in said
    return said


class TestRecords:
    def test_names_come_first(self) -> None:
        data = read_data(f"email,first^{JANE},Jane^{JOE},Joe")

        assert data.fields == ("email", "first")
        assert data.records == [(JANE, "Jane"), (JOE, "Joe")]

    def test_one_field_is_enough(self) -> None:
        assert records(f"email^{JANE}^{JOE}") == [(JANE,), (JOE,)]

    @pytest.mark.parametrize(
        "text",
        [
            f"email,first ^{JANE},Jane",  # the old documentation's own example
            f" email , first ^ {JANE} ,\tJane ",
            f"email,first\r\n^{JANE},Jane\r\n",
            f'"email" , "first "^ "{JANE}" ,"\u00a0Jane "\n',
            f"\ufeffemail,first^{JANE},Jane",  # read from a file with a byte order mark
            f"ï»¿email,first^{JANE},Jane",  # one that was taken for Windows-1252
            f"email,first^{JANE},Jane^",
            f"email,first^{JANE},Jane^ ^\r\n^",
        ],
    )
    def test_spaces_line_ends_and_blank_records_behind_are_nothing(self, text: str) -> None:
        data = read_data(text)

        assert (data.fields, data.records) == (("email", "first"), [(JANE, "Jane")])

    def test_values_that_are_missing_are_blank(self) -> None:
        assert records(f"email,first,last^{JANE}^{JOE},Joe^,^,,x^{JANE},") == [
            (JANE, "", ""),
            (JOE, "Joe", ""),
            ("", "", ""),
            ("", "", "x"),
            (JANE, "", ""),
        ]

    def test_one_with_too_many_values_fails_alone(self) -> None:
        assert records(f"email,first^{JANE},Jane,Doe^{JOE},Joe^{JANE},x,y") == [
            None,
            (JOE, "Joe"),
            None,
        ]

    def test_an_address_with_a_caret_may_stand_in_quotes(self) -> None:
        assert records(f'email,first^"a^b@example.com",A^{JANE},Jane') == [
            ("a^b@example.com", "A"),
            (JANE, "Jane"),
        ]
        for hidden in (f'"Foo^{JOE}"', f'"{JANE}^{JOE}"'):
            assert reason(f"first,email^{hidden},{JANE}").startswith("The quotation marks")
        assert reason(f'email,first^"{JANE}^{JOE}",x').startswith("The quotation marks")

    def test_a_blank_one_between_others_fails_alone(self) -> None:
        assert records(f"email,first^^{JANE}^ ^{JOE}") == [None, (JANE, ""), None, (JOE, "")]
        assert records(f'email^""^{JANE}') == [None, (JANE,)]

    def test_unknown_and_blank_fields_are_accepted(self) -> None:
        data = read_data(f"x y,,email,,^1,2,{JANE},3")

        assert data.fields == ("x y", "", "email", "", "")
        assert data.records == [("1", "2", JANE, "3")]

    def test_a_caret_is_in_no_plain_value(self) -> None:
        assert records("email^a^b@example.com") == [("a",), ("b@example.com",)]

    def test_there_may_be_ten_thousand(self) -> None:
        for one, name in ((f"^{JANE}", "email"), (f'^"{JANE}"', '"email"')):
            assert len(records(name + one * MAX_RECORDS + "^ ^")) == MAX_RECORDS
            assert reason(name + one * (MAX_RECORDS + 1)) == (
                "The data holds more than 10000 records"
            )

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "The data has no email field"),
            ("^^^", "The data has no email field"),
            (f"^{JANE}", "The data has no email field"),
            (f" , ^{JANE}", "The data has no email field"),
            (JANE, "The data has no email field"),
            (f"first^{JANE}", "The data has no email field"),
            (f"Email^{JANE}", "The data has no email field"),
            (f"e-mail^{JANE}", "The data has no email field"),
            (f"'email'^{JANE}", "The data has no email field"),
            (f"email={JANE}", "The data has no email field"),
            (f"'; DROP TABLE x; --^{JANE}", "The data has no email field"),
            ("email", "The data must be field names, a caret and at least one record"),
            ("email^", "The data must be field names, a caret and at least one record"),
            ('"email" ^ ^', "The data must be field names, a caret and at least one record"),
            (f"email, email^{JANE},{JOE}", "A field is named twice in the data"),
            (f'email,x,"x"^{JANE}', "A field is named twice in the data"),
            (f'"email"x^{JANE}', "The field names in the data cannot be read"),
            (f"email{',x' * MAX_FIELDS}^{JANE}", "The field names in the data cannot be read"),
        ],
    )
    def test_data_that_cannot_be_right_fail_as_a_whole(self, text: str, said: str) -> None:
        assert reason(text) == said


class TestQuotes:
    @pytest.mark.parametrize(
        ("sent", "value"),
        [
            ('"Jane"', "Jane"),
            ('""', ""),
            ('"Doe, Jane"', "Doe, Jane"),
            ('"a^b"', "a^b"),
            (r'"the \"boss\""', 'the "boss"'),
            ('"the ""boss"""', 'the "boss"'),
            (r'"\"\""', '""'),
            ('""""', '"'),
            (r'"C:\\temp\\"', "C:\\temp\\"),
            (r'"C:\temp\new"', r"C:\temp\new"),
            (r'"a\\\"b"', r"a\"b"),
            ('"two\nlines"', "two\nlines"),
            (
                '5" disk',
                '5" disk',
            ),  # a quotation mark within a value that has none around it is text
            ('5" x 3"', '5" x 3"'),
            ("O'Brien", "O'Brien"),
            (r"back\slash", r"back\slash"),
            (r"\"x\"", r"\"x\""),
        ],
    )
    def test_a_value(self, sent: str, value: str) -> None:
        assert records(f"email,first,last^{JANE},{sent},Doe^{JOE}") == [
            (JANE, value, "Doe"),
            (JOE, "", ""),
        ]
        assert records(f"email,first^{JANE},{sent}") == [(JANE, value)]

    def test_around_everything(self) -> None:
        """As client libraries send it."""
        data = read_data(f'"email","first"^"{JANE}","Jane"^"{JOE}","Joe"')

        assert data.fields == ("email", "first")
        assert data.records == [(JANE, "Jane"), (JOE, "Joe")]

    @pytest.mark.parametrize(
        "record",
        ['"Jane"x', '"Jane" "Doe"', '"the "boss""', '"a""b" c', '"Jane",x,y', '"","",""'],
    )
    def test_text_behind_a_closing_quote_or_a_value_too_many_fails_alone(self, record: str) -> None:
        assert records(f"first,email^{record}^Joe,{JOE}") == [None, ("Joe", JOE)]

    @pytest.mark.parametrize(
        "text",
        [
            f'email^"{JANE}',
            f'email^"{JANE}^{JOE}',
            f'"email^{JANE}',
            f'email,first^{JANE},"Jane\\"^{JOE},Joe',
            f'email,first^{JANE},"Jane"",x^{JOE},Joe',
            'email^"',
            'email^"\\',
        ],
    )
    def test_one_left_open_fails_as_a_whole(self, text: str) -> None:
        assert reason(text) == "A quotation mark in the data is left open"

    @pytest.mark.parametrize(
        "text",
        [
            f'email,first^{JANE},"5"" disk^{JOE},"3"" disk',
            f'first,email^"C:\\",{JANE}^"D:\\",{JOE}',
            f'first,email^"Jane"",{JANE}^"Joe",{JOE}',
            f'email^{JANE}^"{JOE}^"{JANE}"^"',
            f'email,first^{JANE},"cut off^{JOE},disk 5"',
        ],
    )
    def test_records_that_may_be_hidden_between_wrong_quotes_fail_as_a_whole(
        self, text: str
    ) -> None:
        """Else two opt-outs would count as one failure, or as one success."""
        assert reason(text) in {
            "The quotation marks in the data do not match",
            "A quotation mark in the data is left open",
        }

    @given(
        st.lists(st.lists(st.text(NO_AT), min_size=3, max_size=3), min_size=1, max_size=5),
        st.booleans(),
    )
    @example([["\\", '"', '\\"'], ['""', "^,^", '"^"']], True)
    @example([["\\", '"', '\\"'], ['""', "^,^", '"^"']], False)
    def test_whatever_stands_in_quotes_comes_out_again(
        self, rows: list[list[str]], doubled: bool
    ) -> None:
        def quoted(value: str) -> str:
            value = value.replace("\\", "\\\\")
            return '"' + value.replace('"', '""' if doubled else '\\"') + '"'

        lines = [",".join(quoted(value) for value in row) for row in rows]

        assert records("^".join(['"a",email,c', *lines])) == [
            tuple(value.strip() for value in row) for row in rows
        ]

    @given(st.text("a,^ \\\n", max_size=60))
    def test_both_ways_of_reading_agree(self, rest: str) -> None:
        """Without quotes the text takes a shorter way."""
        long_way = records(f'email,first,"last"^x{rest}')

        assert long_way == records(f"email,first,last^x{rest}")


class TestEmailValue:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            (JANE, JANE),
            (" Jane@Example.COM ", JANE),
            ("jane tag@example.com", "jane+tag@example.com"),
            ("jane+tag@example.com", "jane+tag@example.com"),
            ("Jane Doe <jane@example.com>", JANE),
            ("'jane@example.com'", JANE),
            ("a^b@example.com", "a^b@example.com"),
        ],
    )
    def test_an_address(self, text: str, key: str) -> None:
        address = email_value(text)

        assert address is not None and address.key == key

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "jane",
            "@example.com",
            "jane@example",
            "jane@example.com\0",
            "j\ufffdne@example.com",
            "x" * 1_001,
            "a b " * 100_000 + "@example.com",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        assert email_value(text) is None

    @pytest.mark.parametrize(
        "text",
        [
            "jane@example.com joe@example.com",  # two, by a space or a line end
            "jane@example.com\njoe@example.com",
            "Jane Doe jane@example.com",  # a name without its brackets
            "- jane@example.com",
            "jane @example.com",  # a padded column
            "jane@ example.com",
            "jane@example.com^joe@example.com",  # by a caret within quotes
        ],
    )
    def test_what_is_not_one_address_makes_no_other_address(self, text: str) -> None:
        """A stranger would be opted out, the one who is meant would not, and both count as a success."""
        assert email_value(text) is None

    @given(st.text())
    def test_any_text_is_an_address_or_none(self, text: str) -> None:
        try:
            expected = parse_email(text).key
        except AddressError:
            return
        found = email_value(text)
        assert found.key == expected if found is not None else "^" in expected


WORST = [
    "^", '"', '""', "\\", '\\"', "\\\\", ",", '",', '"^', '"",', '"x"y,', '"x",', '"x^"y,', '^"', '^""', "a,",
    "^a,", " ", '\t"', '" ', '" "', '"^",', 'x"', ',"', '"a"^', "\0", "\u00a0", "😀",
]  # fmt: skip
HEADS = ["", "email,first^", 'email^"', '"email"^']


class TestHostileInput:
    @given(st.one_of(st.text(), st.text('email,^"\\ \n', max_size=200).map("email^x".__add__)))
    def test_any_text_gives_data_or_a_reason(self, text: str) -> None:
        try:
            data = read_data(text)
        except CommandError:
            return
        assert "email" in data.fields and data.records
        for record in data.records:
            assert record is None or len(record) == len(data.fields)

    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("piece", WORST)
    def test_the_worst_64_kib_take_less_than_50_ms(self, head: str, piece: str) -> None:
        text = head + piece * (65_536 // len(piece))

        assert min(_seconds(text) for _attempt in range(3)) < 0.05

    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("piece", WORST)
    def test_time_grows_with_the_length_alone(self, head: str, piece: str) -> None:
        small, large = (
            min(_seconds(head + piece * (size // len(piece))) for _attempt in range(2))
            for size in (1 << 16, 1 << 19)
        )

        assert large < 0.05 + 30 * small  # eight times would be linear, sixty-four quadratic

    def test_a_value_of_a_megabyte_is_a_value(self) -> None:
        assert records(f"email,first^{JANE},{'x' * 1_000_000}")[0] == (JANE, "x" * 1_000_000)
        assert records('email,first^x,"' + '""' * 500_000 + '"')[0] == ("x", '"' * 500_000)

    def test_ten_thousand_records_are_read_quickly(self) -> None:
        """Aim: 15 ms; the guard is for another order of magnitude."""
        plain = "email,first" + "".join(f"^person{n}@example.com,Person" for n in range(10_000))
        quoted = '"email"' + "".join(f'^"person{n}@example.com"' for n in range(10_000))

        assert min(_seconds(plain) for _attempt in range(5)) < 0.1
        assert min(_seconds(quoted) for _attempt in range(5)) < 0.3


def _seconds(text: str) -> float:
    started = time.process_time()
    with contextlib.suppress(CommandError):
        read_data(text)
    return time.process_time() - started
