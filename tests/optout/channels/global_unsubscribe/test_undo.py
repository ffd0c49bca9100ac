"""The Undo of two addresses is one act: both are taken back, or neither."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from lists.models import Realm
from optout.addresses import digest_of
from optout.choices import Kind
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.global_unsubscribe.forms import JANE, PHONE, submit
from tests.pages import URLENCODED, PublicClient


@contextmanager
def full_disk(digest: bytes) -> Iterator[None]:
    """The database can write nothing more when a lift of this address comes."""
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$
        """)
        cursor.execute(f"""
            CREATE TRIGGER refuse BEFORE INSERT ON optout_optout FOR EACH ROW
            WHEN (NEW.kind = {Kind.LIFT:d} AND NEW.digest = '\\x{digest.hex()}') EXECUTE FUNCTION refuse()
        """)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION refuse CASCADE")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("unwritable", [JANE, PHONE])
def test_what_fails_half_way_takes_back_neither(realm: Realm, unwritable: str) -> None:
    make.make_global_unsubscribe(realm)
    both = {"email": JANE, "phoneNumber": PHONE}
    done = submit(both).headers["Location"]

    with full_disk(digest_of(unwritable)):
        assert Client().post(done, "undo=", content_type=URLENCODED).status_code == 503

    assert Suppression.objects.count() == 2
    assert not OptOut.objects.filter(kind=Kind.LIFT).exists()
    assert PublicClient().send(done).status_code == 303
    assert not Suppression.objects.exists()
