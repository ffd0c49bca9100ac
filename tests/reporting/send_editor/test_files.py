import csv
import io

import pytest

from lists.lookup import snapshot
from lists.models import List
from optout.choices import HashKind
from optout.short_links import read_short_token, short_url
from reporting.send_editor import files
from reporting.send_editor.files import stream_recipients
from tests import make
from tests.reporting.send_editor.making import ANNA, BERT, CLEO, numbered, subscribe
from tests.reporting.send_editor.test_recipients import suppress_hash

pytestmark = pytest.mark.django_db


def rows(optout_list: List, text: str = "", *, is_raw: bool = False) -> list[list[str]]:
    """The file as a program reads it, without its header."""
    whole = b"".join(stream_recipients(snapshot(optout_list), text, is_raw=is_raw)).decode()
    header, *found = csv.reader(io.StringIO(whole))
    assert header == (["phone", "link", "text"] if text else ["phone", "link"])
    return sorted(found)


class TestStreamRecipients:
    def test_number_and_link(self, optout_list: List) -> None:
        subscribe(optout_list, [ANNA, BERT])

        assert rows(optout_list) == [
            [each, short_url(optout_list.pk, each)] for each in (ANNA, BERT)
        ]
        target = read_short_token(rows(optout_list)[0][1].rpartition("/")[2])
        assert target is not None
        assert (target.list_id, target.address) == (optout_list.pk, ANNA)

    def test_the_message_as_each_gets_it(self, optout_list: List) -> None:
        subscribe(optout_list, [ANNA])
        link = short_url(optout_list.pk, ANNA)

        assert rows(optout_list, 'Say "sale", now:\n{optout}\n{optout}') == [
            [ANNA, link, f'Say "sale", now:\n{link}\n{link}']
        ]
        assert rows(optout_list, "Sale") == [[ANNA, link, "Sale"]]

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "'", "＝"])
    def test_what_a_spreadsheet_would_run(self, optout_list: List, start: str) -> None:
        subscribe(optout_list, [ANNA])

        ((_phone, _link, text),) = rows(optout_list, f"{start}1+2 {{optout}}")
        assert text.startswith(f"'{start}1+2 http")

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "'", "＝"])
    def test_a_gateway_gets_it_as_it_is_written(self, optout_list: List, start: str) -> None:
        subscribe(optout_list, [ANNA])
        link = short_url(optout_list.pk, ANNA)

        assert rows(optout_list, f'{start}1 "a", {{optout}}', is_raw=True) == [
            [ANNA, link, f'{start}1 "a", {link}']
        ]

    def test_nobody(self, optout_list: List) -> None:
        assert rows(optout_list) == []

    def test_without_the_suppressed(self, optout_list: List) -> None:
        subscribe(optout_list, numbered(8))
        make.make_optout(optout_list, numbered(8)[0])
        make.make_optout(make.do_not_mail(optout_list.realm), numbered(8)[1])
        for position, kind in enumerate(HashKind, start=2):
            suppress_hash(optout_list, kind, numbered(8)[position])
            suppress_hash(make.do_not_mail(optout_list.realm), kind, numbered(8)[position + 3])

        assert [phone for phone, _link in rows(optout_list)] == []

    def test_who_opts_out_while_it_is_written(
        self, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "BATCH", 3)
        subscribe(optout_list, numbered(9))
        pieces = stream_recipients(snapshot(optout_list))
        next(pieces)
        first = {line.partition(",")[0] for line in next(pieces).decode().splitlines()}
        for number in numbered(9):
            if number not in first:
                make.make_optout(make.do_not_mail(optout_list.realm), number)

        assert list(pieces) == []
        assert len(first) == 3

    def test_piece_by_piece(self, optout_list: List, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "BATCH", 4)
        subscribe(optout_list, [*numbered(10), "jane@example.com"])

        pieces = list(stream_recipients(snapshot(optout_list)))
        assert len(pieces) == 4  # the header, and three
        assert all(each.endswith(b"\n") for each in pieces)
        assert len(rows(optout_list)) == 10

    def test_a_number_that_nothing_can_be_sent_to(self, optout_list: List) -> None:
        subscribe(optout_list, [ANNA, BERT, CLEO])
        contacts = optout_list.realm.contacts
        contacts.filter(address=ANNA).update(address="+12345")
        contacts.filter(address=BERT).update(address="+1234567890123456")

        assert [phone for phone, _link in rows(optout_list)] == [CLEO]
