import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lists.choices import ListKind
from lists.lookup import snapshot
from lists.models import List
from optout.addresses import digest_of
from optout.choices import Channel, HashKind, Medium, Reason
from optout.models import Suppression
from optout.queries import is_suppressed
from reporting.send_editor import recipients
from reporting.send_editor.recipients import count_recipients, is_left_alone, read_recipients
from tests.make import (
    NOW,
    do_not_mail,
    make_contact,
    make_list,
    make_optout,
    make_realm,
    make_subscription,
)
from tests.reporting.send_editor.making import ANNA, BERT, CLEO, numbered

pytestmark = pytest.mark.django_db

HASHES = {
    HashKind.SHA256: lambda key: hashlib.sha256(key.encode()).digest(),
    HashKind.SHA1: lambda key: hashlib.sha1(key.encode(), usedforsecurity=False).digest(),
    HashKind.MD5: lambda key: hashlib.md5(key.encode(), usedforsecurity=False).digest(),
}


@pytest.fixture
def letters() -> List:
    return make_list(make_realm())


def suppress_hash(optout_list: List, kind: HashKind, number: str) -> None:
    """As an import of hashes alone leaves it."""
    full_hash = HASHES[kind](number)
    Suppression.objects.create(
        optout_list=optout_list,
        suppressed_at=NOW,
        channel=Channel.FILE_IMPORT,
        reason=Reason.UNSUBSCRIBED,
        medium=Medium.SMS,
        hash_kind=kind,
        digest=full_hash[:16],
        full_hash=full_hash,
    )


def numbers(optout_list: List) -> list[str]:
    """Everybody a message would go to, sorted; read two at a time."""
    found: list[str] = []
    after: bytes | None = b""
    while after is not None:
        batch, after = read_recipients(snapshot(optout_list), after, 2)
        found += [each.number for each in batch]
    assert found == sorted(found, key=digest_of), "in the order of their digests"
    return sorted(found)


class TestReadRecipients:
    def test_those_with_a_number_on_the_list(self, letters: List) -> None:
        other = make_list(letters.realm, 2, "Offers")
        make_contact(letters.realm, ANNA, letters)
        make_contact(letters.realm, BERT, letters, other)
        make_contact(letters.realm, CLEO, other)
        make_contact(letters.realm, "jane@example.com", letters, phone="+12025550199")

        assert numbers(letters) == [ANNA, BERT]

    def test_of_its_own_realm_alone(self, letters: List) -> None:
        make_contact(letters.realm, ANNA, letters)
        strangers = make_realm("zeta")
        make_contact(strangers, ANNA)
        make_contact(strangers, BERT, make_list(strangers))

        assert numbers(letters) == [ANNA]

    def test_opted_out_of_the_list(self, letters: List) -> None:
        for number in (ANNA, BERT):
            make_contact(letters.realm, number, letters)
        make_optout(letters, ANNA)

        assert numbers(letters) == [BERT]

    def test_opted_out_of_everything(self, letters: List) -> None:
        for number in (ANNA, BERT):
            make_contact(letters.realm, number, letters)
        make_optout(do_not_mail(letters.realm), ANNA)

        assert numbers(letters) == [BERT]

    def test_opted_out_of_another_list(self, letters: List) -> None:
        make_contact(letters.realm, ANNA, letters)
        make_optout(make_list(letters.realm, 2, "Offers"), ANNA)
        strangers = make_realm("zeta")
        make_optout(do_not_mail(strangers), ANNA)

        assert numbers(letters) == [ANNA]

    def test_subscribed_again_beside_a_suppression(self, letters: List) -> None:
        make_optout(letters, ANNA)
        make_contact(letters.realm, ANNA, letters)

        assert numbers(letters) == [], "suppressions win"

    @pytest.mark.parametrize("kind", HashKind)
    @pytest.mark.parametrize("scope", ListKind)
    def test_known_by_a_hash_alone(self, letters: List, kind: HashKind, scope: ListKind) -> None:
        for number in (ANNA, BERT, CLEO):
            make_contact(letters.realm, number, letters)
        suppressed = letters if scope == ListKind.STANDARD else do_not_mail(letters.realm)
        suppress_hash(suppressed, kind, BERT)

        assert numbers(letters) == [ANNA, CLEO]
        assert is_suppressed(letters.pk, BERT)

    @pytest.mark.parametrize("kind", HashKind)
    def test_a_hash_beside_other_suppressions(self, letters: List, kind: HashKind) -> None:
        for number in (ANNA, BERT, CLEO):
            make_contact(letters.realm, number, letters)
        suppress_hash(letters, kind, ANNA)
        make_optout(do_not_mail(letters.realm), BERT)

        assert numbers(letters) == [CLEO]

    def test_a_hash_of_a_stranger(self, letters: List) -> None:
        make_contact(letters.realm, ANNA, letters)
        for kind in HashKind:
            suppress_hash(make_list(make_realm(f"zeta-{kind}")), kind, ANNA)
            suppress_hash(letters, kind, CLEO)

        assert numbers(letters) == [ANNA]

    def test_a_place_that_outlived_its_contact(self, letters: List) -> None:
        make_contact(letters.realm, ANNA, letters).delete()
        make_contact(letters.realm, BERT, letters)

        assert numbers(letters) == [BERT]

    def test_suppressed_between_two_batches(self, letters: List) -> None:
        for number in numbered(6):
            make_contact(letters.realm, number, letters)
        found = snapshot(letters)
        first, after = read_recipients(found, b"", 3)
        assert after is not None
        waiting = [each.number for each in read_recipients(found, after, 3)[0]]
        make_optout(letters, waiting[0])
        suppress_hash(do_not_mail(letters.realm), HashKind.SHA1, waiting[1])

        second, _end = read_recipients(found, after, 3)

        assert [each.number for each in second] == waiting[2:]
        assert len(first) == 3

    def test_a_batch_may_be_empty_before_the_end(self, letters: List) -> None:
        addresses = ["a@example.com", "b@example.com", "c@example.com", ANNA, BERT]
        for address in addresses:
            make_contact(letters.realm, address, letters)

        assert numbers(letters) == [ANNA, BERT]

    def test_one_question_a_batch(self, letters: List) -> None:
        for number in numbered(20):
            make_contact(letters.realm, number, letters)
        found = snapshot(letters)

        with CaptureQueriesContext(connection) as asked:
            read_recipients(found, b"", 100)

        assert len(asked) == 1


class TestCountRecipients:
    def test_recipients_and_left_out(self, letters: List) -> None:
        for number in numbered(5):
            make_contact(letters.realm, number, letters)
        make_contact(letters.realm, "jane@example.com", letters)
        make_subscribed_again(letters, numbered(5)[0])
        make_optout(do_not_mail(letters.realm), numbered(5)[1])
        make_subscribed_again(letters, numbered(5)[1])

        assert count(letters) == (3, 2)

    def test_out_of_the_list_and_of_everything_is_one_person(self, letters: List) -> None:
        make_contact(letters.realm, ANNA, letters)
        make_optout(do_not_mail(letters.realm), ANNA)
        make_subscribed_again(letters, ANNA)

        assert count(letters) == (0, 1)

    @pytest.mark.parametrize("kind", HashKind)
    def test_known_by_a_hash_alone(self, letters: List, kind: HashKind) -> None:
        for number in numbered(5):
            make_contact(letters.realm, number, letters)
        suppress_hash(letters, kind, numbered(5)[2])
        suppress_hash(do_not_mail(letters.realm), kind, numbered(5)[3])

        assert count(letters) == (3, 2)

    def test_nobody(self, letters: List) -> None:
        assert count(letters) == (0, 0)

    def test_takes_too_long(self, letters: List, monkeypatch: pytest.MonkeyPatch) -> None:
        make_contact(letters.realm, ANNA, letters)
        suppress_hash(letters, HashKind.SHA1, BERT)
        monkeypatch.setattr(recipients, "COUNT_SECONDS", 0)

        assert count_recipients(snapshot(letters)) is None


class TestIsLeftAlone:
    @pytest.mark.parametrize("kind", HashKind)
    def test_known_by_a_hash_alone(self, letters: List, kind: HashKind) -> None:
        everywhere = do_not_mail(letters.realm)
        suppress_hash(everywhere, kind, ANNA)

        assert is_left_alone(snapshot(everywhere), ANNA)
        assert not is_left_alone(snapshot(everywhere), BERT)


def count(optout_list: List) -> tuple[int, int]:
    found = count_recipients(snapshot(optout_list))
    assert found is not None
    return found.recipients, found.left_out


def make_subscribed_again(optout_list: List, number: str) -> None:
    """Out of the list, and on it: what is left over when both happen at once."""
    make_optout(optout_list, number)
    make_subscription(optout_list, number)
