"""Who is shown as what; and that no page costs more because there are many."""

from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from django.utils import timezone

from lists.models import Contact, List, Realm
from optout.addresses import lookup_keys
from optout.choices import Channel, HashKind, Medium, Reason
from optout.models import Suppression
from reporting.contacts_http import members
from reporting.contacts_http.members import Members, Status
from tests import make

JANE, JOHN = "jane@example.com", "john@example.com"


def shown(realm: Realm, of: Any, **asked: Any) -> list[str]:
    return sorted(each.address for each in Members(realm.pk).page(of, size=50, **asked).members)


def suppress_hash(optout_list: List, address: str, kind: HashKind) -> None:
    """As an import of hashes does."""
    number = {HashKind.SHA256: 0, HashKind.MD5: 1, HashKind.SHA1: 2}[kind]
    Suppression.objects.create(
        optout_list=optout_list,
        digest=lookup_keys(address)[number],
        full_hash=b"x" * 32,
        hash_kind=kind,
        suppressed_at=make.NOW,
        channel=Channel.FILE_IMPORT,
        reason=Reason.UNSUBSCRIBED,
        medium=Medium.EMAIL,
    )


class TestWho:
    @pytest.mark.parametrize("kind", HashKind)
    def test_who_is_suppressed_under_a_hash_is_not_active(
        self, realm: Realm, optout_list: List, kind: HashKind
    ) -> None:
        make.make_contact(realm, JANE, optout_list)
        make.make_contact(realm, JOHN, optout_list)
        suppress_hash(make.do_not_mail(realm), JANE, kind)
        suppress_hash(optout_list, JOHN, kind)

        assert shown(realm, Status.ACTIVE) == shown(realm, optout_list) == []
        assert shown(realm, Status.REMOVED) == [JOHN]
        found = Members(realm.pk).find(str(Contact.objects.get(address=JANE).pk))
        assert found is not None and found.status is Status.DO_NOT_MAIL

    def test_hashes_without_an_address_and_phones_are_left_out(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_contact(realm, "+14155550123", optout_list)
        make.make_optout(make.do_not_mail(realm), "+14155550124")
        suppress_hash(make.do_not_mail(realm), JANE, HashKind.SHA256)
        Suppression.objects.filter(medium=Medium.EMAIL).update(address=None)
        for of in (None, optout_list, *Status):
            assert shown(realm, of) == []

    def test_an_opt_out_of_one_list_leaves_the_others(
        self, realm: Realm, optout_list: List
    ) -> None:
        seeds = make.make_list(realm, 2)
        make.make_contact(realm, JANE, optout_list, seeds)
        make.make_optout(optout_list, JANE)
        assert shown(realm, optout_list) == []
        assert shown(realm, seeds) == shown(realm, Status.ACTIVE) == [JANE]
        make.make_optout(seeds, JANE)
        assert shown(realm, Status.REMOVED) == [JANE]

    def test_another_realm_is_not_seen(self, realm: Realm, optout_list: List) -> None:
        other = make.make_realm("other")
        make.make_contact(other, JANE, make.make_list(other))
        make.make_contact(realm, JANE)
        make.make_optout(make.do_not_mail(other), JANE)
        assert shown(realm, Status.REMOVED) == shown(realm, None) == [JANE]
        assert shown(realm, None, since=make.NOW + timedelta(days=1)) == [JANE]
        Contact.objects.update(changed_at=make.NOW)
        assert shown(realm, None, since=make.NOW + timedelta(days=1)) == []


class TestPages:
    @pytest.fixture
    def crowd(self, realm: Realm, optout_list: List) -> set[str]:
        """40 removed contacts and 3 on a list."""
        for number in range(40):
            make.make_contact(realm, f"reader{number}@example.com")
        rare = {f"rare{number}@example.com" for number in range(3)}
        for address in rare:
            make.make_contact(realm, address, optout_list)
        return rare

    def walk(self, realm: Realm, of: Any, size: int, **asked: Any) -> list[list[str]]:
        after: bytes | None = b""
        pages = []
        while after is not None:
            page = Members(realm.pk).page(of, size=size, after=after, **asked)
            pages.append([each.address for each in page.members])
            after = page.after
        return pages

    def test_few_among_many_are_found_at_once(self, realm: Realm, crowd: set[str]) -> None:
        (page,) = self.walk(realm, Status.ACTIVE, 5)
        assert set(page) == crowd

    def test_a_page_that_takes_long_is_short_and_goes_on(
        self, realm: Realm, crowd: set[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(members, "SECONDS", -1)
        pages = self.walk(realm, Status.ACTIVE, 1)
        assert len(pages) > 10
        assert sorted(chain(*pages)) == sorted(crowd)

    def test_a_short_page_leads_on_behind_all_that_it_looked_at(
        self, realm: Realm, crowd: set[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not only behind those that it shows: the next one would look at the others again."""
        monkeypatch.setattr(members, "SECONDS", -1)
        everybody = sorted(bytes(each.digest) for each in Contact.objects.all())
        (shown_one,) = (
            bytes(each.digest) for each in Contact.objects.filter(address="rare1@example.com")
        )
        place = everybody.index(shown_one)
        after = b"" if place == 0 else everybody[place - 1]

        page = Members(realm.pk).page(Status.ACTIVE, size=9, after=after)

        assert page.members[0].digest == shown_one
        assert page.after == everybody[place + 9]

    @pytest.mark.parametrize("few", [0, 20_000])
    def test_what_changed_at_that_very_moment_is_shown(
        self, realm: Realm, optout_list: List, few: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(members, "FEW", few)
        since = make.NOW + timedelta(hours=1)
        for address in (JANE, JOHN, "lee@example.com"):
            make.make_contact(realm, address)
        Contact.objects.update(changed_at=make.NOW)
        Contact.objects.filter(address=JOHN).update(changed_at=since)
        make.make_optout(optout_list, JANE, requested_at=since)

        assert shown(realm, None, since=since) == [JANE, JOHN]
        assert shown(realm, None, since=since + timedelta(microseconds=1)) == []

    @pytest.mark.parametrize("few", [0, 20_000])
    def test_both_ways_to_what_changed_agree(
        self,
        realm: Realm,
        optout_list: List,
        crowd: set[str],
        few: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(members, "FEW", few)
        Contact.objects.update(changed_at=make.NOW)
        since = make.NOW + timedelta(hours=1)
        make.make_optout(optout_list, "rare1@example.com", requested_at=timezone.now())
        make.make_optout(make.do_not_mail(realm), "gone@example.com", requested_at=timezone.now())
        Contact.objects.filter(address="rare2@example.com").update(changed_at=timezone.now())
        pages = self.walk(realm, None, 2, since=since)
        assert sorted(chain(*pages)) == [
            "gone@example.com",
            "rare1@example.com",
            "rare2@example.com",
        ]
        assert self.walk(realm, Status.ACTIVE, 2, since=since) == [["rare2@example.com"]]
        assert self.walk(realm, optout_list, 2, since=since) == [["rare2@example.com"]]

    def test_a_page_is_five_queries_however_many(
        self, realm: Realm, optout_list: List, django_assert_num_queries
    ) -> None:
        for number in range(30):
            make.make_contact(realm, f"reader{number}@example.com", optout_list)
        for size in (3, 20):
            with django_assert_num_queries(5):
                page = Members(realm.pk).page(optout_list, size=size)
            assert len(page.members) == size
