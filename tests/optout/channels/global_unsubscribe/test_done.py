"""The done page of a global request, and its Undo (S1.10, AT-46)."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
import time_machine

from lists.lookup import forget_all_lists
from lists.models import GlobalUnsubscribe, List, Realm, Subscription
from optout.choices import Channel, Kind
from optout.models import GlobalLine, OptOut, Suppression
from tests import make
from tests.optout.channels.cases import comparable, comparable_headers
from tests.optout.channels.global_unsubscribe.calls import PATH
from tests.optout.channels.global_unsubscribe.forms import (
    JANE,
    PHONE,
    heading,
    links_of,
    submit,
    text_of,
)
from tests.pages import PublicClient, parse

BOTH = {"email": JANE, "phoneNumber": PHONE}


@pytest.fixture
def dnm(realm: Realm) -> List:
    """The Do Not Mail of a realm with its Global Unsubscribe switched on."""
    make.make_global_unsubscribe(realm)
    return make.do_not_mail(realm)


def unsubscribe(typed: dict[str, str] = BOTH, **parameters: Any) -> str:
    """The address of the done page."""
    return str(submit(typed, **parameters).headers["Location"])


def undo(done: str) -> Any:
    """Press Undo; the page that follows."""
    response = PublicClient().send(done)
    assert response.status_code == 303
    return PublicClient().get(response.headers["Location"])


def tokens_of(done: str) -> list[str]:
    return parse_qs(done.partition("?")[2])["t"]


@pytest.mark.usefixtures("dnm")
class TestDone:
    def test_it_says_what_the_manual_says_and_to_whom(self) -> None:
        """S1.10."""
        page = PublicClient().get(unsubscribe())

        assert page.status_code == 200
        assert heading(page) == "You successfully unsubscribed"
        assert parse(page.content.decode()).title.startswith("You successfully unsubscribed")
        text = text_of(page)
        assert JANE in text and PHONE in text
        assert "You will get nothing more from Acme Garden." in text
        assert "Messages already on their way can still arrive for 24 hours." in text

    def test_it_can_be_reloaded_and_changes_nothing(self) -> None:
        done = unsubscribe()

        for _ in range(3):
            assert PublicClient().get(done).status_code == 200
        PublicClient().get(f"{done}&undone=1")
        PublicClient().head(done)
        assert OptOut.objects.count() == 2
        assert Suppression.objects.count() == 2

    def test_an_address_comes_once_or_twice(self) -> None:
        assert len(tokens_of(unsubscribe({"email": JANE}))) == 1
        assert len(tokens_of(unsubscribe())) == 2

    def test_the_owners_words_stand_beside_it(self, realm: Realm, dnm: List) -> None:
        """S0.8: of the list that the request went to. The sentence of the manual is always there."""
        texts = {"en": "Bye from the garden."}
        letters = make.make_list(realm, thank_you_texts=texts, effect_hours=48)
        make.make_product(realm, 7, letters)

        page = PublicClient().get(unsubscribe(productId=7))

        assert heading(page) == "You successfully unsubscribed"
        text = text_of(page)
        assert "Bye from the garden." in text
        assert "This stops Garden letters only, not other messages from Acme Garden." in text
        assert "You will get no more messages" not in text  # the owner's words say that
        assert "can still arrive for 2 days." in text

    def test_where_one_list_stops_it_says_that_the_rest_does_not(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_product(realm, 7, optout_list)

        text = text_of(PublicClient().get(unsubscribe(productId=7)))

        assert "You will get no more messages from Garden letters." in text
        assert "Other messages from Acme Garden are not stopped." in text

    def test_nobody_is_sent_anywhere(self, dnm: List) -> None:
        List.objects.update(redirect_url="https://www.acme.example/bye?who={item}")

        page = PublicClient().get(unsubscribe())

        assert "Refresh" not in page.headers
        assert not [link for link in links_of(page) if "acme.example" in link]

    def test_it_knows_the_door_by_key_and_by_host(self, realm: Realm) -> None:
        by_host = unsubscribe()
        by_key = by_host.replace("/unsubscribe/", f"/g/{realm.global_unsubscribe.key}/unsubscribe/")

        assert PublicClient().get(by_key).status_code == 200
        assert undo(by_key).status_code == 200
        assert not Suppression.objects.exists()

    def test_it_stands_while_the_door_is_off(self) -> None:
        done = unsubscribe()
        GlobalUnsubscribe.objects.update(is_on=False)
        forget_all_lists()

        assert PublicClient().get(PATH).status_code == 404
        assert heading(PublicClient().get(done)) == "You successfully unsubscribed"
        undo(done)
        assert not Suppression.objects.exists()

    def test_the_body_holds_no_token(self) -> None:
        """AT-03: so that it can be the same for everybody."""
        done = unsubscribe()

        body = PublicClient().get(done).content
        assert not [token for token in tokens_of(done) if token[:30].encode() in body]

    def test_the_answers_do_not_tell_what_we_know_of_the_addresses(
        self, realm: Realm, dnm: List
    ) -> None:
        """AT-03: never seen, out, out in a list, reported before: the same bytes, of the 303 and of both pages behind it."""
        make.make_optout(dnm, "known@example.com")
        make.make_optout(make.make_list(realm), "inone@example.com")
        make.make_global_request(realm, "twice@example.com")
        expected = None
        for name in ("fresh", "known", "inone", "twice"):
            answer = submit({"email": f"{name}@example.com"})
            client = PublicClient()
            done = client.get(answer.headers["Location"])
            undone = undo(answer.headers["Location"])
            found = [
                (comparable(each, name), comparable_headers(each))
                for each in (answer, done, undone)
            ]
            expected = expected or found
            assert found == expected


@pytest.mark.usefixtures("dnm")
class TestBrokenLinks:
    def test_without_good_tokens(self, realm: Realm) -> None:
        (path, _mark, query), own = unsubscribe().partition("?"), tokens_of(unsubscribe())
        other_list = make.make_product(realm, 7, make.make_list(realm))
        foreign = tokens_of(unsubscribe({"email": JANE}, productId=other_list.number))

        for tokens in (
            [],
            [""],
            ["x"],
            [own[0][:-1] + "x"],
            [own[0], "x"],
            [own[0], own[0]],
            [*own, own[0]],
            [own[1], *foreign],  # of two lists: no request is
        ):
            address = f"{path}?{urlencode([('t', each) for each in tokens])}"
            assert PublicClient().get(address).status_code == 404
            assert PublicClient().send(address).status_code == 404
        assert query
        assert Suppression.objects.count() == 3

    def test_a_token_does_not_open_another_realms_door(self, realm: Realm) -> None:
        """AT-05."""
        done = unsubscribe()
        other = make.make_global_unsubscribe(make.make_realm("other"))

        moved = f"/g/{other.key}{done}"

        assert PublicClient().get(moved).status_code == 404
        assert PublicClient().send(moved).status_code == 404
        assert PublicClient().get(f"/g/nosuchkey00{done}").status_code == 404
        assert Suppression.objects.count() == 2

    def test_each_flipped_byte_of_a_token_is_refused(self) -> None:
        """AT-04."""
        done = unsubscribe({"email": JANE})
        (token,) = tokens_of(done)
        for place in range(0, len(token), 5):
            spoilt = token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :]
            address = f"{done.partition('?')[0]}?{urlencode({'t': spoilt})}"
            assert PublicClient().send(address).status_code == 404
        assert Suppression.objects.count() == 1


@pytest.mark.usefixtures("dnm")
class TestUndo:
    """AT-46: for 24 hours, by its own tokens, and exactly what that request made."""

    def test_it_takes_both_back_and_leaves_the_report(self) -> None:
        page = undo(unsubscribe())

        assert heading(page) == "Your request was taken back"
        assert not Suppression.objects.exists()
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 2
        assert GlobalLine.objects.get().unsubscribe_count == 1

    def test_what_was_out_before_stays_out(self, dnm: List) -> None:
        make.make_optout(dnm, JANE)

        page = undo(unsubscribe())

        assert heading(page) == "Your request was taken back"
        assert Suppression.objects.get().address == JANE

    def test_a_request_that_came_later_stays_in_force(self) -> None:
        first = unsubscribe()
        unsubscribe({"phoneNumber": PHONE})

        undo(first)

        assert Suppression.objects.get().address == PHONE

    def test_the_same_form_sent_twice_is_one_request(self) -> None:
        client = PublicClient()
        page = client.get(PATH)
        done = [client.press(page, PATH, **BOTH).headers["Location"] for _ in range(2)]

        undo(done[1])

        assert not Suppression.objects.exists()

    def test_subscriptions_come_back(self, realm: Realm) -> None:
        make.make_subscription(make.make_list(realm))

        undo(unsubscribe())

        assert Subscription.objects.count() == 1

    def test_pressing_it_twice_is_harmless(self) -> None:
        done = unsubscribe()

        for _ in range(2):
            assert heading(undo(done)) == "Your request was taken back"
        assert not Suppression.objects.exists()

    def test_pressing_it_again_writes_nothing_more(self, dnm: List) -> None:
        """Whether it took something back or found an older request in force (AT-03)."""
        make.make_optout(dnm, JANE)
        done = unsubscribe()

        for _ in range(3):
            undo(done)

        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 2

    @pytest.mark.parametrize("was_out", [False, True])
    def test_the_done_page_never_claims_again_what_was_taken_back(
        self, dnm: List, was_out: bool
    ) -> None:
        """Reload, Back, a bookmark. And it tells nobody whether the address was out before (AT-03)."""
        if was_out:
            make.make_optout(dnm, JANE)
        done = unsubscribe()
        undone = undo(done)

        for address in (done, f"{done}&undone=1"):
            assert comparable(PublicClient().get(address), "x") == comparable(undone, "x")

    def test_nothing_is_said_to_be_taken_back_that_was_not(self) -> None:
        page = PublicClient().get(f"{unsubscribe()}&undone=1")

        assert heading(page) == "You successfully unsubscribed"

    def test_who_unsubscribes_again_is_told_so(self) -> None:
        first = unsubscribe()
        undo(first)
        second = unsubscribe()

        assert heading(PublicClient().get(second)) == "You successfully unsubscribed"
        assert heading(PublicClient().get(first)) == "Your request was taken back"

    def test_of_a_form_that_was_sent_twice_both_pages_know_it(self) -> None:
        client = PublicClient()
        page = client.get(PATH)
        done = [client.press(page, PATH, **BOTH).headers["Location"] for _ in range(2)]

        undo(done[0])

        for address in done:
            assert heading(client.get(address)) == "Your request was taken back"
            undo(address)
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 2

    def test_what_is_left_of_a_request_is_told_and_can_be_taken_back(self) -> None:
        done = unsubscribe()
        path, _mark, _query = done.partition("?")
        undo(f"{path}?{urlencode({'t': tokens_of(done)[0]})}")

        page = PublicClient().get(done)

        assert heading(page) == "You successfully unsubscribed"
        assert PHONE in text_of(page) and JANE not in text_of(page)
        assert heading(undo(done)) == "Your request was taken back"
        assert not Suppression.objects.exists()

    def test_the_ledger_says_where_it_was_undone(self, optout_list: List) -> None:
        undo(unsubscribe({"email": JANE}))

        assert OptOut.objects.get(kind=Kind.LIFT).channel == Channel.GLOBAL_FORM

    def test_after_24_hours_there_is_none(self) -> None:
        with time_machine.travel(make.NOW, tick=False) as clock:
            done = unsubscribe()
            assert "Undo" in text_of(PublicClient().get(done))
            clock.shift(timedelta(hours=24, seconds=1))
            assert "Undo" not in text_of(PublicClient().get(done))
            assert heading(undo(done)) == "You successfully unsubscribed"

        assert Suppression.objects.count() == 2

    def test_the_language_is_kept(self) -> None:
        page = undo(unsubscribe(lang="de"))

        assert heading(page) == "Ihre Abmeldung wurde zurückgenommen"

    def test_one_can_unsubscribe_again_from_the_same(self, realm: Realm) -> None:
        letters = make.make_list(realm)
        make.make_product(realm, 7, letters)

        everything = links_of(undo(unsubscribe(lang="de")))
        one_list = links_of(undo(unsubscribe(productId=7)))

        assert everything == ["unsubscribe?lang=de"]  # beside …/unsubscribe/done
        assert one_list == ["unsubscribe?productId=7"]

    def test_a_product_that_leads_elsewhere_now_is_not_asked_for(self, realm: Realm) -> None:
        letters = make.make_list(realm)
        product = make.make_product(realm, 7, letters)
        done = unsubscribe(productId=7)
        product.delete()
        forget_all_lists()

        assert links_of(undo(done)) == [f"/u/{letters.public_id}"]

    def test_while_the_door_is_off_the_lists_own_page_stands_in(self, dnm: List) -> None:
        done = unsubscribe()
        GlobalUnsubscribe.objects.update(is_on=False)
        forget_all_lists()

        assert links_of(undo(done)) == [f"/u/{dnm.public_id}"]

    def test_another_realms_token_of_the_hosted_page_is_of_no_use(self, realm: Realm) -> None:
        other = make.make_realm("other")
        foreign = make.make_list(other)
        client, path = PublicClient(), f"/u/{foreign.public_id}"
        done = client.press(client.get(path), path, item=JANE).headers["Location"]
        query = dict(parse_qsl(done.partition("?")[2]))

        assert PublicClient().send(f"/unsubscribe/done?{urlencode(query)}").status_code == 404
        assert Suppression.objects.count() == 1
