"""What the download's tests cannot see from outside: one statement, flat memory, errors in the middle."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import DataError

from lists.models import List, Realm
from optout.choices import Medium, Reason
from reporting import exports
from reporting.exports import Export, Extent, copy_statement, stream_export
from reporting.models import Download
from reporting.models.downloads import DownloadFormat, DownloadOutcome
from tests import make
from tests.reporting.test_downloads import Door

# Breaks off in the middle, as a disk error or an administrator would.
BROKEN = "COPY (SELECT 1000 / (50000 - n) FROM generate_series(1, 100000) n) TO STDOUT"


def export_of(optout_list: List, **fields) -> Export:
    return Export(
        optout_list.pk,
        make.do_not_mail(optout_list.realm).pk,
        **{"format": DownloadFormat.MD5, **fields},
    )


@pytest.mark.django_db
class TestTheStatement:
    @pytest.mark.parametrize("name", DownloadFormat)
    @pytest.mark.parametrize("since", [None, make.NOW - timedelta(days=1)])
    @pytest.mark.parametrize("md5_only", [False, True])
    def test_every_one_runs(
        self, realm: Realm, optout_list: List, name: DownloadFormat, since, md5_only: bool
    ) -> None:
        make.make_optout(optout_list)
        make.make_optout(make.do_not_mail(realm), "joe@example.com")
        export = export_of(optout_list, format=name, since=since)
        header = name == DownloadFormat.CSV
        chunks = list(stream_export(export, Extent(0, md5_only)))
        assert b"".join(chunks).count(b"\n") == 2 + header

    def test_words_stand_for_the_codes(self) -> None:
        statement = copy_statement(Export(1, 2, DownloadFormat.CSV), Extent(0, has_md5_only=False))
        for choice in (*Medium, *Reason):
            assert f"'{choice.name.lower()}'" in statement


@pytest.mark.django_db(transaction=True)
class TestBreakingOff:
    def test_an_error_in_the_middle_is_raised_and_the_connection_goes_on(
        self, optout_list: List
    ) -> None:
        with patch.object(exports, "copy_statement", return_value=BROKEN):
            chunks = stream_export(export_of(optout_list), Extent(0, has_md5_only=False))
            with pytest.raises(DataError, match="division by zero"):
                list(chunks)
        assert List.objects.filter(pk=optout_list.pk).exists()

    def test_a_download_that_breaks_is_written_down_as_that(self, optout_list: List) -> None:
        door = Door(optout_list)
        with (
            patch.object(exports, "copy_statement", return_value=BROKEN),
            patch.object(exports, "CHUNK", 1000),
            pytest.raises(DataError),
        ):
            door.get()
        download = Download.objects.get()
        assert download.outcome == DownloadOutcome.BROKEN_OFF
        assert 0 < download.rows < 50_000

    def test_closing_it_ends_the_statement(self, optout_list: List) -> None:
        endless = "COPY (SELECT generate_series(1, 1000000000)) TO STDOUT"
        with patch.object(exports, "copy_statement", return_value=endless):
            chunks = stream_export(export_of(optout_list), Extent(0, has_md5_only=False))
            assert len(next(chunks)) >= exports.CHUNK
            chunks.close()
        assert List.objects.filter(pk=optout_list.pk).exists()
