import base64

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from lists.actions import change_list
from lists.logos import read_logo, remove_logo, store_logo
from lists.lookup import get_list
from lists.models import AuditEntry, List, Logo, Realm, User
from lists.pictures import PictureError
from tests import make
from tests.lists.pictures import picture
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread


def logo_of(optout_list: List) -> int | None:
    found = get_list(optout_list.public_id)
    assert found is not None
    return found.logo_id


@pytest.mark.django_db
class TestLogos:
    def test_a_list_has_its_own_or_its_realms(
        self, alice: User, realm: Realm, optout_list: List, django_capture_on_commit_callbacks
    ) -> None:
        other = make.make_list(realm, 9)
        assert logo_of(optout_list) is None
        with django_capture_on_commit_callbacks(execute=True):
            of_realm = store_logo(realm, None, picture(), actor=alice)
        assert logo_of(optout_list) == logo_of(other) == of_realm.pk
        with django_capture_on_commit_callbacks(execute=True):
            own = store_logo(realm, optout_list, picture("RGB", kind="JPEG"), actor=alice)
        assert (logo_of(optout_list), logo_of(other)) == (own.pk, of_realm.pk)
        with django_capture_on_commit_callbacks(execute=True):
            assert remove_logo(realm, optout_list, actor=alice)
        assert logo_of(optout_list) == of_realm.pk
        assert not remove_logo(realm, optout_list, actor=alice)
        assert list(AuditEntry.objects.order_by("pk").values_list("action", "optout_list")) == [
            ("set_logo", None),
            ("set_logo", optout_list.pk),
            ("remove_logo", optout_list.pk),
        ]

    def test_another_one_is_another_row_and_read_once(
        self, alice: User, realm: Realm, django_assert_num_queries
    ) -> None:
        first = store_logo(realm, None, picture(), actor=alice)
        second = store_logo(realm, None, picture(size=(80, 40)), actor=alice)
        assert list(Logo.objects.values_list("pk", flat=True)) == [second.pk]
        assert read_logo(first.pk) is None and read_logo(None) is None

        found = read_logo(second.pk)
        assert found is not None
        assert (found.width, found.height, found.media_type) == (80, 40, "image/png")
        assert found.bytes == bytes(second.image)
        assert found.data_uri.startswith("data:image/png;base64,")
        assert base64.b64decode(found.data_uri.partition(",")[2]) == found.bytes
        with django_assert_num_queries(0):
            assert read_logo(second.pk) is found

    def test_two_of_one_list_wait_for_each_other(self, realm: Realm, optout_list: List) -> None:
        for subject, table in ((optout_list, List), (None, Realm)):
            with CaptureQueriesContext(connection) as asked:
                store_logo(realm, subject, picture(), actor=None)
            (locked,) = (each["sql"] for each in asked if "FOR NO KEY UPDATE" in each["sql"])
            assert f'FROM "{table._meta.db_table}"' in locked

    def test_what_is_refused_leaves_the_old_one(self, alice: User, realm: Realm) -> None:
        logo = store_logo(realm, None, picture(), actor=alice)
        with pytest.raises(PictureError):
            store_logo(realm, None, b"<svg/>", actor=alice)
        assert Logo.objects.get() == logo
        assert AuditEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_logo_and_another_number_at_once_do_not_wait_for_each_other(
    realm: Realm, optout_list: List
) -> None:
    with transaction.atomic():  # as the page editor, which changes the list first
        List.objects.select_for_update(no_key=True).get(pk=optout_list.pk)
        numbered = in_thread(lambda: change_list(optout_list, {"number": 77}, actor=None))
        wait_until_blocked()
        store_logo(realm, optout_list, picture(), actor=None)

    assert numbered.result(timeout=20) == ["number"]
    assert Logo.objects.get().optout_list == optout_list
