"""Why somebody opted out: offered on the done page, kept once, dropped with the request (pages.md)."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from lists.lookup import snapshot
from lists.models import List, Realm
from optout.evidence import Evidence
from optout.models import OptOut, StatedReason, Suppression
from optout.reasons import BUILT_IN, forget_reasons, reasons_for, state_reason
from optout.reverting import undo_optout
from optout.tokens import read_done_token
from tests import make
from tests.optout.test_reverting import wait_until_blocked
from tests.pages import PublicClient, form_fields, parse, signed_path
from tests.threads import in_thread

JANE = "jane@example.com"
OWN = {"en": ["Too expensive", "I moved away"], "de": ["Zu teuer", "Umgezogen"]}


def opt_out(optout_list: List, address: str = JANE, query: str = "", **fields: str) -> str:
    """Opt out by the form; the done page's address."""
    client, path = PublicClient(), f"/u/{optout_list.public_id}{query}"
    return client.press(client.get(path), path, item=address, **fields).headers["Location"]


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def say(done: str, reason: str) -> Any:
    """Press the button of the reason that reads so; the page that follows."""
    html = PublicClient().get(done).content.decode()
    found = re.search(rf'name="reason" value="(\w+)" dir="auto">{re.escape(reason)}<', html)
    return send(done, found[1] if found else reason)


def send(done: str, value: str) -> Any:
    """Send a reason, whether there is a button or not; the page that follows."""
    return PublicClient().get(PublicClient().send(done, {"reason": value}).headers["Location"])


def button(stored: str) -> str:
    """What the button sends of a reason that is stored so."""
    return f"{crc32(stored.encode()):x}"


@pytest.mark.django_db
class TestWhichReasons:
    def test_without_the_owners_own_there_are_five(self, optout_list: List) -> None:
        found = reasons_for(snapshot(optout_list), "de")

        assert [value for value, _text in found] == list(BUILT_IN) and len(found) == 5

    def test_the_owners_are_read_in_the_readers_language_and_kept_in_the_lists(
        self, optout_list: List
    ) -> None:
        List.objects.update(reasons=OWN)
        found = snapshot(optout_list)

        assert reasons_for(found, "de") == [
            ("Too expensive", "Zu teuer"),
            ("I moved away", "Umgezogen"),
        ]
        assert reasons_for(found, "fr")[0] == ("Too expensive", "Too expensive")

    def test_the_realms_stand_in(self, realm: Realm, optout_list: List) -> None:
        realm.reasons = OWN
        realm.save(update_fields=["reasons"])

        assert reasons_for(snapshot(optout_list), "en")[1] == ("I moved away", "I moved away")

    @pytest.mark.parametrize(
        ("reasons", "expected"),
        [
            ({"de": ["Zu teuer"]}, [("Zu teuer", "Zu teuer")]),
            ({"en": ["Dear"], "de": ["Teuer", "Fern"]}, [("Dear", "Teuer"), ("Fern", "Fern")]),
            ({"en": [" ", ""], "de": []}, None),
            ({"ar": ["غالٍ"]}, None),  # which neither this reader nor the list's own readers read
        ],
    )
    def test_where_a_language_says_less(
        self, optout_list: List, reasons: dict[str, list[str]], expected: Any
    ) -> None:
        found = replace(snapshot(optout_list), reasons=reasons)

        assert reasons_for(found, "de") == (expected or list(BUILT_IN.items()))

    @pytest.mark.parametrize("letters", ["abcd ", "عربي "])
    def test_the_longest_ones_keep_the_page_small(self, realm: Realm, letters: str) -> None:
        long = letters * 16
        optout_list = make.make_list(
            realm,
            reasons={"en": [f"{n}{long[:79]}" for n in range(8)]},
            thank_you_texts={"en": letters * 120},
            contact="help@shop.example",
            privacy_url="https://shop.example/privacy",
        )
        text = text_of(PublicClient().get(opt_out(optout_list)))

        assert f"0{long[:78]}" in text and "Undo" in text

    def test_a_page_has_room_for_ten(self, optout_list: List) -> None:
        found = replace(snapshot(optout_list), reasons={"en": [f"Reason {n}" for n in range(12)]})
        assert [value for value, _text in reasons_for(found, "en")][9:] == ["Reason 9"]

    def test_an_owner_can_ask_for_none(self, optout_list: List) -> None:
        List.objects.update(asks_reason=False)

        assert reasons_for(snapshot(optout_list), "en") == []
        assert "Why did you" not in text_of(PublicClient().get(opt_out(optout_list)))


@pytest.mark.django_db
class TestSaying:
    def test_one_tap_keeps_it_and_thanks(self, optout_list: List) -> None:
        done = opt_out(optout_list)
        assert "Why did you unsubscribe? (optional)" in text_of(PublicClient().get(done))

        page = say(done, "I get too many messages")

        assert "Thank you." in text_of(page) and "Why did you" not in text_of(page)
        assert "Undo" in text_of(page)
        (row,), optout = StatedReason.objects.all(), OptOut.objects.get()
        assert (row.optout_list, row.optout_id, row.reason) == (optout_list, optout.id, "too_many")
        assert bytes(row.digest) == bytes(optout.digest)
        assert Suppression.objects.exists()

    def test_who_presses_another_has_thought_again(self, optout_list: List) -> None:
        done = opt_out(optout_list)

        say(done, "I get too many messages")
        send(done, button("other"))

        assert StatedReason.objects.get().reason == "other"

    def test_the_owners_words_are_kept_in_the_lists_language(self, optout_list: List) -> None:
        List.objects.update(reasons=OWN)

        say(opt_out(optout_list, query="?lang=de"), "Zu teuer")

        assert StatedReason.objects.get().reason == "Too expensive"

    @pytest.mark.parametrize("reason", ["", "nonsense", "x" * 500, "other", button("I moved away")])
    def test_what_was_not_offered_is_not_kept_and_undoes_nothing(
        self, optout_list: List, reason: str
    ) -> None:
        page = send(opt_out(optout_list), reason)

        assert "Thank you." not in text_of(page)
        assert not StatedReason.objects.exists() and Suppression.objects.exists()

    def test_what_is_said_of_another_list_is_not_kept(self, optout_list: List) -> None:
        left = make.make_optout(optout_list)
        other = make.make_list(optout_list.realm, 2, "Other")
        for stated_of in (other, optout_list):
            assert not StatedReason.objects.exists()
            state_reason(stated_of.pk, left.optout_id, left.digest, "other", now=make.NOW)
        assert StatedReason.objects.get().optout_list == optout_list

    def test_a_get_keeps_nothing(self, optout_list: List) -> None:
        """Mail scanners follow links."""
        PublicClient().get(f"{opt_out(optout_list)}&reason={button('other')}")

        assert not StatedReason.objects.exists()

    def test_after_a_day_nobody_is_asked(self, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False) as clock:
            done = opt_out(optout_list)
            clock.shift(timedelta(hours=24, seconds=1))
            page = send(done, button("other"))

        assert "Why did you" not in text_of(page) and not StatedReason.objects.exists()

    def test_a_body_that_is_cut_off_undoes_nothing(self, optout_list: List) -> None:
        page = PublicClient().post(
            opt_out(optout_list),
            b"reason=oth",
            content_type="application/x-www-form-urlencoded",
            CONTENT_LENGTH="12",
        )

        assert page.status_code == 400 and Suppression.objects.exists()

    def test_what_was_taken_back_has_none(self, optout_list: List) -> None:
        done = opt_out(optout_list)
        say(done, "Another reason")
        assert StatedReason.objects.exists()

        PublicClient().send(done)

        assert not StatedReason.objects.exists()
        send(done, button("other"))  # in another tab
        assert not StatedReason.objects.exists()

    def test_the_page_is_the_same_whatever_we_know_of_the_address(self, optout_list: List) -> None:
        """AT-03."""
        make.make_optout(optout_list, "known@example.com")
        pages = []
        for address in ("fresh@example.com", "known@example.com"):
            done = opt_out(optout_list, address)
            both = [PublicClient().get(done), say(done, "I never signed up")]
            pages.append(
                [re.sub(r'nonce="[^"]+"|fresh|known', "", each.content.decode()) for each in both]
            )

        assert pages[0] == pages[1]


@pytest.mark.django_db
class TestTypoHelp:
    def test_one_more_tap_unsubscribes_the_address_that_was_meant(self, optout_list: List) -> None:
        done = opt_out(optout_list, "jane+x@gmial.com", "?lang=de", scope="sender")
        page = PublicClient().get(done)
        fields = form_fields(page)
        assert (fields["email"], fields["scope"]) == ("jane+x@gmail.com", "sender")
        assert f'action="/u/{optout_list.public_id}"' in page.content.decode()

        client = PublicClient()
        second = client.press(page, f"/u/{optout_list.public_id}").headers["Location"]

        assert "lang=de" in second
        assert "jane+x@gmail.com" in text_of(client.get(second))
        out = set(Suppression.objects.values_list("optout_list__kind", "address"))
        assert out == {
            (kind, address)
            for kind in ("standard", "global")
            for address in ("jane+x@gmial.com", "jane+x@gmail.com")
        }

    def test_the_button_says_by_itself_whom_it_unsubscribes(self, optout_list: List) -> None:
        """To a screen reader, which lists the buttons of a page without what stands beside them."""
        html = PublicClient().get(opt_out(optout_list, "jane@gmial.com")).content.decode()

        (question, answer) = re.search(r'aria-labelledby="(\w) (\w)">Yes, uns', html).groups()  # type: ignore[union-attr]
        assert re.search(rf'id="{question}">Did you mean <bdi dir="ltr">jane@gmail.com</bdi>', html)
        assert re.search(rf'<button class="quiet" id="{answer}" aria', html)

    @pytest.mark.parametrize("was_out", [False, True])
    def test_it_looks_at_the_typed_address_alone(self, optout_list: List, was_out: bool) -> None:
        """AT-03."""
        if was_out:
            make.make_optout(optout_list, "jane@gmial.com")
            make.make_optout(optout_list, "jane@gmail.com")

        page = PublicClient().get(opt_out(optout_list, "jane@gmial.com"))

        assert "Did you mean jane@gmail.com?" in text_of(page)

    def test_nobody_is_doubted_without_a_reason(self, optout_list: List) -> None:
        for address in (JANE, "jane@gmx.de"):
            assert "Did you mean" not in text_of(PublicClient().get(opt_out(optout_list, address)))

    def test_nor_who_came_by_a_signed_link(self, optout_list: List) -> None:
        client, path = PublicClient(), signed_path(optout_list.pk, "jane@gmial.com")
        done = client.press(client.get(path), path).headers["Location"]

        assert "Did you mean" not in text_of(client.get(done))


@pytest.mark.django_db
class TestPreferenceLink:
    def open_signed(self, optout_list: List, **fields: str) -> Any:
        client, path = PublicClient(), signed_path(optout_list.pk) + "?lang=de"
        return client.get(client.press(client.get(path), path, **fields).headers["Location"])

    def test_a_signed_link_leads_on_to_what_else_there_is(self, optout_list: List) -> None:
        links = parse(self.open_signed(optout_list).content.decode()).links

        (link,) = [each for each in links if "/p/" in each]
        assert link.endswith("?lang=de")
        assert PublicClient().get(link[link.index("/p/") :]).status_code == 200

    def test_a_typed_address_does_not(self, optout_list: List) -> None:
        assert b"/p/" not in PublicClient().get(opt_out(optout_list)).content

    def test_nor_after_everything_was_stopped(self, optout_list: List) -> None:
        assert b"/p/" not in self.open_signed(optout_list, scope="sender").content


@pytest.mark.django_db(transaction=True)
def test_what_is_said_in_the_moment_of_an_undo_does_not_survive_it(optout_list: List) -> None:
    done = opt_out(optout_list)
    token = read_done_token(parse_qs(done.partition("?")[2])["t"][0])
    assert token is not None

    with transaction.atomic():
        forget_reasons([token.optout_id], token.digest)
        undo_optout(token, now=timezone.now(), evidence=Evidence())
        said = in_thread(lambda: send(done, button("other")))
        wait_until_blocked()
    said.result(timeout=20)

    assert not StatedReason.objects.exists() and not Suppression.objects.exists()
