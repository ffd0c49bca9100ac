"""optout/preference_choices.py: which boxes there are, which are ticked, and which rows a Save leaves. Pages: channels/."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from lists.choices import Accepts
from lists.lookup import snapshot
from lists.models import Contact, List, Realm, Subscription
from lists.prepared import fetch
from optout import returning
from optout.actions import Recorded
from optout.addresses import digest_of, hex_digests, parse_address
from optout.choices import Channel, HashKind, Kind, Reason
from optout.evidence import Evidence
from optout.models import Consent, OptOut, Suppression
from optout.preference_choices import (
    MOST_SHOWN,
    Asked,
    Choice,
    Choices,
    find_choices,
    save_choices,
)
from optout.returning import Yes
from tests import make
from tests.optout.test_returning import (
    A_MINUTE,
    JANE,
    PHONE,
    ledger,
    make_hash,
    subscribed,
    suppressed,
)
from tests.optout.test_reverting import wait_until_blocked
from tests.threads import in_thread


@pytest.fixture
def lists(realm: Realm, optout_list: List) -> list[List]:
    """Three lists; somebody else is on each, so that Heed knows who is."""
    lists = [optout_list, make.make_list(realm, 2, "Flash"), make.make_list(realm, 3, "News")]
    make.make_contact(realm, "other@example.com", *lists)
    return lists


def find(optout_list: List, address: str = JANE, language: str = "en") -> Choices:
    parsed = parse_address(address, "either", "US")
    return find_choices(snapshot(optout_list), parsed, language)


def ticked(choices: Choices) -> list[str]:
    return [each.name for each in choices.boxes if each.is_ticked]


def names(choices: Choices) -> list[str]:
    return [each.name for each in choices.boxes]


def save(optout_list: List, was: str, now: str, address: str = JANE) -> bool:
    """Press Save on a form that was shown with the lists of these numbers ticked, and is sent with those."""
    ids = dict(List.objects.filter(realm=optout_list.realm).values_list("number", "pk"))
    asked = Asked(*(frozenset(ids[int(each)] for each in text.split()) for text in (was, now)))
    found, parsed = snapshot(optout_list), parse_address(address, "either", "US")
    choices = find_choices(found, parsed, "en", asked)
    at = make.NOW + A_MINUTE
    yes = Yes(Channel.PREFERENCES, "en", at, None, Evidence(), at)
    return save_choices(found, parsed, choices, asked, yes)


def consents() -> list[int]:
    return sorted(Consent.objects.values_list("optout_list__number", flat=True))


@pytest.mark.django_db
class TestWhatIsOffered:
    def test_open_lists_that_are_shown_for_such_addresses(self, realm: Realm) -> None:
        make.make_list(realm, 1, "Open")
        make.make_list(realm, 2, "Private", shown_in_preferences=False)
        make.make_list(realm, 3, "Closed", closed_at=make.NOW)
        make.make_list(realm, 4, "Texts", accepts=Accepts.PHONE)
        make.make_list(realm, 5, "Both", accepts=Accepts.EITHER)
        make.make_list(make.make_realm("other"), 6, "Theirs")
        everything = make.do_not_mail(realm)

        assert names(find(everything)) == ["Open", "Both"]
        assert names(find(everything, PHONE)) == ["Texts", "Both"]

    def test_the_links_own_also_when_it_is_not_shown_and_first(
        self, realm: Realm, optout_list: List
    ) -> None:
        private = make.make_list(realm, 2, "Private", shown_in_preferences=False)

        assert names(find(private)) == ["Private", "Garden letters"]
        assert names(find(private, PHONE)) == ["Private"]

    def test_a_private_list_stays_so_to_its_members(self, realm: Realm, optout_list: List) -> None:
        private = make.make_list(realm, 2, "Private", shown_in_preferences=False)
        make.make_contact(realm, JANE, private)

        assert names(find(optout_list)) == ["Garden letters"]

    def test_of_very_many_the_own_and_those_that_one_is_on(
        self, realm: Realm, optout_list: List
    ) -> None:
        for number in range(2, MOST_SHOWN + 12):
            last = make.make_list(realm, number, f"List {number}")
        own = make.make_list(realm, 900, "Own")
        make.make_contact(realm, JANE, last)

        shown = names(find(own))
        assert len(shown) == MOST_SHOWN
        assert (shown[0], shown[-1]) == ("Own", last.name)

    def test_what_one_is_out_of_for_a_legal_reason_is_not(
        self, realm: Realm, lists: list[List]
    ) -> None:
        """Only its sender can end that; also where an earlier opt-out is why the list suppresses the address."""
        make.make_optout(lists[0], reason=Reason.LEGAL)
        make.make_optout(lists[1])
        make.make_optout(lists[1], reason=Reason.LEGAL)

        assert names(find(lists[0])) == ["News"]
        assert save(lists[0], was="", now="1 2 3")
        assert suppressed() == [1, 2]

    @pytest.mark.parametrize("was_out", [False, True])
    def test_nothing_is_to_whom_a_legal_reason_keeps_out_of_everything(
        self, realm: Realm, lists: list[List], was_out: bool
    ) -> None:
        if was_out:
            make.make_optout(make.do_not_mail(realm))
        make.make_optout(make.do_not_mail(realm), reason=Reason.LEGAL)

        choices = find(lists[0])
        assert (names(choices), choices.stopped_at) == ([], make.NOW)

    def test_no_table_is_read_through(
        self, lists: list[List], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many subscriptions and opt-outs there are, and whatever the planner knows of them."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO lists_subscription (optout_list_id, digest, subscribed_at)"
                " SELECT %s, int8send(n) || int8send(n), now() FROM generate_series(1, 3000) n",
                [lists[1].pk],
            )
            cursor.execute(
                "INSERT INTO optout_suppression"
                " (suppressed_at, optout_list_id, channel, reason, medium, hash_kind, digest, address)"
                " SELECT now(), %s, 1, 1, 1, 1, int8send(-n) || int8send(n), '' FROM generate_series(1, 3000) n",
                [lists[1].pk],
            )
            cursor.execute("ANALYZE lists_subscription, optout_suppression")
        plans: list[str] = []

        def explain(statement: str, values: Any) -> list[tuple[Any, ...]]:
            plans.extend(line for (line,) in fetch(f"EXPLAIN {statement}", values))
            return fetch(statement, values)

        monkeypatch.setattr("optout.preference_choices.fetch", explain)
        find(lists[0])
        plan = "\n".join(plans)

        assert "Seq Scan on lists_subscription" not in plan, plan
        assert "Seq Scan on optout_suppression" not in plan, plan

    def test_in_the_readers_language_where_the_owner_wrote_it(self, optout_list: List) -> None:
        own_texts = {"name": {"de": "Gartenpost", "fr": " "}, "description": {"de": "Was blüht."}}
        List.objects.update(own_texts=own_texts, description="What grows.", frequency="Weekly")

        def told(language: str) -> tuple[str, str, str]:
            (box,) = find(optout_list, language=language).boxes
            return box.name, box.description, box.frequency

        assert told("de") == ("Gartenpost", "Was blüht.", "Weekly")
        assert told("fr") == told("en") == ("Garden letters", "What grows.", "Weekly")


@pytest.mark.django_db
class TestWhatIsTicked:
    def test_of_a_contact_the_lists_that_it_is_on(self, realm: Realm, lists: list[List]) -> None:
        make.make_contact(realm, JANE, lists[1])

        assert ticked(find(lists[0])) == ["Flash"]
        assert ticked(find(lists[1])) == ["Flash"]

    def test_of_an_address_that_is_none_whatever_it_may_get(self, lists: list[List]) -> None:
        """The owner keeps it elsewhere."""
        make.make_optout(lists[1])

        assert sorted(ticked(find(lists[2]))) == ["Garden letters", "News"]

    def test_a_list_of_which_heed_knows_nobody(self, realm: Realm, lists: list[List]) -> None:
        make.make_list(realm, 4, "Unknown")
        make.make_contact(realm, JANE, lists[0])

        assert ticked(find(lists[0])) == ["Garden letters", "Unknown"]

    def test_nothing_that_is_suppressed(self, realm: Realm, lists: list[List]) -> None:
        make.make_contact(realm, JANE, *lists[:2])
        make.make_optout(lists[0])
        make.make_subscription(lists[0])  # left over

        assert ticked(find(lists[0])) == ["Flash"]
        make.make_optout(make.do_not_mail(realm))
        choices = find(lists[0])
        assert ticked(choices) == []
        assert choices.stopped_at == make.NOW

    @pytest.mark.parametrize("kind", list(HashKind))
    @pytest.mark.parametrize("everything", [False, True])
    def test_under_whatever_hash(
        self, realm: Realm, optout_list: List, kind: HashKind, everything: bool
    ) -> None:
        name = kind.label.replace("-", "").lower()
        full = bytes.fromhex(getattr(hex_digests(JANE), name))
        target = make.do_not_mail(realm) if everything else optout_list
        make_hash(target, full[:16], kind, full)

        choices = find(optout_list)
        assert ticked(choices) == []
        assert (choices.stopped_at is not None) is everything


@pytest.mark.django_db
class TestSaving:
    def test_what_was_on_and_is_not_ticked_is_left(self, realm: Realm, lists: list[List]) -> None:
        make.make_contact(realm, JANE, *lists)
        assert save(lists[0], was="1 2 3", now="2")

        assert suppressed() == [1, 3]
        assert (
            Subscription.objects.filter(digest=parse_address(JANE, "email", "").digest).count() == 1
        )
        assert [row[:2] for row in ledger()] == [(1, Kind.OPT_OUT), (3, Kind.OPT_OUT)]
        assert consents() == []

    def test_what_was_not_on_and_is_ticked_comes_back(
        self, realm: Realm, lists: list[List]
    ) -> None:
        make.make_contact(realm, JANE, lists[0])
        make.make_optout(lists[1])
        assert save(lists[0], was="1", now="1 2 3")

        assert suppressed() == []
        assert ledger() == [
            (2, Kind.OPT_OUT, Reason.UNSUBSCRIBED, True),
            (2, Kind.LIFT, Reason.RETURNED, True),
        ]
        assert Contact.objects.filter(address=JANE).count() == 1
        assert subscribed() == [1, 1, 2, 2, 3, 3]
        assert consents() == [2, 3]

    def test_after_everything_was_stopped_only_what_is_ticked(
        self, realm: Realm, lists: list[List]
    ) -> None:
        """All others stay out, whether they are shown or not."""
        make.make_list(realm, 4, "Private", shown_in_preferences=False)
        make.make_list(realm, 5, "Closed", closed_at=make.NOW)
        make.make_contact(realm, JANE, *lists)
        make.make_optout(make.do_not_mail(realm))
        assert save(lists[0], was="", now="1 3")

        assert suppressed() == [2, 4, 5]
        kept_out = OptOut.objects.filter(evidence__kept_out=True)
        assert sorted(kept_out.values_list("optout_list__number", flat=True)) == [2, 4, 5]
        assert ticked(find(lists[0])) == ["Garden letters", "News"]
        assert consents() == [1, 3]

    def test_one_form_may_do_both(self, realm: Realm, lists: list[List]) -> None:
        make.make_contact(realm, JANE, lists[0])
        make.make_optout(make.do_not_mail(realm))
        save(lists[0], was="1", now="2")

        assert suppressed() == [1, 3]
        rows = OptOut.objects.filter(optout_list=lists[0])
        assert [(row.evidence or {}) for row in rows] == [{}], "asked for, not kept out"

    def test_nobody_becomes_the_first_contact_of_a_list(
        self, realm: Realm, optout_list: List
    ) -> None:
        """To all others it would look as if they were not on it."""
        make.make_optout(optout_list)
        save(optout_list, was="", now="1")

        assert suppressed() == [] and consents() == [1]
        assert not Subscription.objects.exists() and not Contact.objects.exists()
        assert ticked(find(optout_list)) == ["Garden letters"]
        save(optout_list, was="", now="1")
        assert consents() == [1]

    def test_who_was_the_only_one_is_so_again(self, realm: Realm, optout_list: List) -> None:
        """The owner does keep the list's contacts; there was but one."""
        make.make_contact(realm, JANE, optout_list)
        save(optout_list, was="1", now="")
        assert not Subscription.objects.exists()
        save(optout_list, was="", now="1")

        assert (subscribed(), consents()) == ([1], [1])

    def test_unchanged_is_unchanged(self, realm: Realm, lists: list[List]) -> None:
        make.make_contact(realm, JANE, lists[0])
        make.make_optout(lists[1])
        before = ledger()
        assert save(lists[0], was="1", now="1")

        assert (ledger(), suppressed(), consents()) == (before, [2], [])
        assert find(lists[0]).was == str(lists[0].pk)

    def test_what_was_left_since_stays_left_and_is_not_called_saved(
        self, realm: Realm, lists: list[List]
    ) -> None:
        make.make_contact(realm, JANE, *lists)
        make.make_optout(lists[1], requested_at=make.NOW + 2 * A_MINUTE)
        assert save(lists[0], was="1 2 3", now="1 2") is False

        assert suppressed() == [2, 3]

    def test_everything_since_then_wins_and_what_was_unticked_is_left(
        self, realm: Realm, lists: list[List]
    ) -> None:
        make.make_contact(realm, JANE, lists[0])
        make.make_optout(lists[1])
        make.make_optout(make.do_not_mail(realm), requested_at=make.NOW + 2 * A_MINUTE)
        assert save(lists[0], was="1", now="2 3") is False

        assert suppressed() == [0, 1, 2]
        assert Subscription.objects.filter(digest=digest_of(JANE)).count() == 0
        assert consents() == []

    def test_of_whom_nobody_knows_what_it_gets_only_what_it_says_changes(
        self, realm: Realm, lists: list[List]
    ) -> None:
        """Its owner may keep it elsewhere: a stranger who joins a list unticks no box of others."""
        make.make_contact(realm, "stranger@example.com", *lists)
        make.make_optout(lists[2])
        own, other, _left = (each.pk for each in lists)
        assert find(lists[0]).was == f"{own} {other}"
        assert save(lists[0], was="1 2", now="1")

        assert suppressed() == [2, 3]

    def test_whom_nobody_knows_a_tick_makes_no_contact(
        self, realm: Realm, lists: list[List]
    ) -> None:
        """One place on a list would make the others look left."""
        make.make_contact(realm, "stranger@example.com", *lists)
        make.make_optout(lists[2])
        assert save(lists[0], was="1 2", now="1 2 3")

        assert (suppressed(), consents()) == ([], [3])
        assert not Contact.objects.filter(address=JANE).exists()
        assert find(lists[0]).was == " ".join(str(each.pk) for each in lists)

    def test_phones_likewise(self, realm: Realm) -> None:
        texts = make.make_list(realm, 1, "Texts", accepts=Accepts.PHONE)
        make.make_contact(realm, "+12025550100", texts)
        make.make_contact(realm, PHONE)
        make.make_optout(make.do_not_mail(realm), PHONE)
        save(texts, was="", now="1", address=PHONE)
        assert suppressed() == []
        save(texts, was="1", now="", address=PHONE)

        assert Suppression.objects.get().address == PHONE
        assert Contact.objects.filter(address=PHONE).count() == 1

    def test_a_form_names_no_list_twice_nor_in_another_script(self) -> None:
        asked = Asked.read("1 2 ٣ 1_0 -4 99999999999 x ~6 ~", ["2", " 2", "", "5"])

        assert (asked.was, asked.ticked) == (frozenset({1, 2}), frozenset({2, 5}))
        most = Asked.read(" ".join(map(str, range(5_000))), [])
        assert len(most.mentioned) == 2 * MOST_SHOWN


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
class TestSavingMeanwhile:
    def test_an_opt_out_that_came_first_wins(self, realm: Realm, lists: list[List]) -> None:
        make.make_contact(realm, JANE)
        make.make_optout(lists[1])
        with transaction.atomic():
            make.make_optout(lists[1], requested_at=make.NOW + 2 * A_MINUTE)
            saving = in_thread(lambda: save(lists[0], was="", now="2 3"))
            wait_until_blocked()

        assert saving.result(20) is False
        assert suppressed() == [2]
        assert consents() == [3]

    def test_leaving_waits_for_nobody_who_changes_contacts(self, lists: list[List]) -> None:
        with transaction.atomic():
            save(lists[0], was="", now="2")
            in_thread(lambda: save(lists[0], was="1", now="")).result(20)

        assert suppressed() == [1]

    def test_whoever_stops_everything_meanwhile_is_not_locked_out(
        self, realm: Realm, lists: list[List], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """While a Save that has left one list is about to put the address on another."""
        make.make_contact(realm, JANE, lists[0], lists[2])
        everything, stopping = make.do_not_mail(realm), []

        def subscribe(*values: Any) -> None:
            stopping.append(in_thread(lambda: make.make_optout(everything)))
            wait_until_blocked()
            put_on(*values)

        put_on = returning._subscribe
        monkeypatch.setattr(returning, "_subscribe", subscribe)
        assert save(lists[0], was="1 3", now="1 2")

        assert stopping[0].result(20).is_new
        assert suppressed() == [0, 3]

    @pytest.mark.parametrize("of", [1, 0])
    def test_an_opt_out_meanwhile_holds(self, realm: Realm, lists: list[List], of: int) -> None:
        target = lists[0] if of else make.do_not_mail(realm)
        opt_out: Callable[[], Recorded] = lambda: make.make_optout(target)  # noqa: E731
        opt_out()
        with transaction.atomic():
            save(lists[0], was="", now="1")
            again = in_thread(opt_out)
            wait_until_blocked()

        assert again.result(20).is_new
        assert of in suppressed()


class TestCutting:
    def choices(self, *descriptions: str) -> Choices:
        return Choices(
            tuple(
                Choice(
                    number,
                    f"List {number}",
                    text,
                    "Weekly",
                    True,
                    True,
                    True,
                    False,
                    is_ticked=True,
                )
                for number, text in enumerate(descriptions)
            )
        )

    def test_long_descriptions_are_cut_before_short_ones(self) -> None:
        before = self.choices(
            "short", "seven words that are not that short", "and as many words again in here"
        )
        after = before.shorter_by(20)

        texts = [each.description for each in after.boxes]
        assert texts[0] == "short"
        assert all(text.endswith("…") for text in texts[1:])
        assert [each.name for each in after.boxes] == [each.name for each in before.boxes]

    def test_of_one_word_that_does_not_fit_nothing_is_left(self) -> None:
        assert self.choices("x" * 50).shorter_by(1).boxes[0].description == ""

    @given(st.lists(st.text("a &ü", max_size=30), max_size=6), st.integers(1, 200))
    def test_what_is_asked_for_is_saved_or_nothing_is_left(
        self, texts: list[str], excess: int
    ) -> None:
        before = self.choices(*texts)
        after = before.shorter_by(excess)

        weight: Callable[[Any], int] = lambda choices: sum(each.weight for each in choices.boxes)  # noqa: E731
        assert weight(after) <= max(weight(before) - excess, 0)
        assert all(each.frequency == "Weekly" for each in after.boxes)
