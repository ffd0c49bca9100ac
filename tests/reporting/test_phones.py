"""A phone number in the portal: found in any spelling, masked for viewers, kept and shown as E.164 (security.md §1, phones)."""

from typing import Any

import pytest
from django.utils import timezone

from lists.choices import Role
from lists.models import List, Realm, User
from optout.addresses import hex_digests
from optout.choices import Assurance, Channel, Kind, Medium, RefusalCause
from optout.evidence import Evidence
from optout.models import OptOut, Suppression
from optout.quarantine import quarantine_optout
from reporting.timeline import Answer
from tests import make
from tests.lists.screens import look_at, open_screen
from tests.optout.test_phones import BERLIN, SPELLINGS
from tests.reporting.portal import signed_in

OTHER = "+493023125999"
TEXTED = "+493023125001"
WRITTEN = pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)
HASHES = pytest.mark.parametrize("written", hex_digests(BERLIN), ids=["md5", "sha1", "sha256"])


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    return make.make_list(realm, accepts="either")


@pytest.fixture
def viewer(realm: Realm) -> User:
    user = make.make_user("viewer@acme.example")
    make.make_member(user, realm, Role.VIEWER)
    return user


def url(optout_list: List, rest: str) -> str:
    return f"/manage/lists/{optout_list.public_id}/{rest}"


def entries(user: User, optout_list: List, **query: str) -> Any:
    return signed_in(user).get(url(optout_list, "entries"), query)


def addresses(response: Any) -> list[str]:
    return [each.address for each in response.context["entries"]]


def texted(optout_list: List, said: str = "STOP please", address: str = BERLIN) -> None:
    evidence = Evidence(extra={"texted": TEXTED, "said": said})
    make.make_optout(
        optout_list,
        address,
        channel=Channel.INBOUND_SMS,
        assurance=Assurance.API_CREDENTIAL,
        evidence=evidence,
    )


@pytest.mark.django_db
class TestEntries:
    @WRITTEN
    def test_are_found_by_a_number_in_any_spelling(
        self, alice: User, phones: List, written: str
    ) -> None:
        make.make_optout(phones, BERLIN)
        make.make_optout(phones, OTHER)

        assert addresses(entries(alice, phones, q=written)) == [BERLIN]

    @HASHES
    def test_are_found_by_its_hash(self, alice: User, phones: List, written: str) -> None:
        make.make_optout(phones, BERLIN)

        found = addresses(entries(alice, phones, q=written))

        assert found == ([] if len(written) == 40 else [BERLIN])  # nobody can compute a SHA-1 back

    def test_are_masked_for_a_viewer_who_knows_the_number(self, viewer: User, phones: List) -> None:
        make.make_optout(phones, BERLIN)

        response = entries(viewer, phones, q="030 23125000")

        assert addresses(response) == ["+49 ••• ••00"]
        look_at(response)
        assert BERLIN not in response.content.decode()

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"medium": "2"}, [OTHER, BERLIN]),
            ({"medium": "1"}, ["jane@example.com"]),
            ({"channel": "11"}, [BERLIN]),
            ({"channel": "16"}, [OTHER]),
            ({"channel": "11", "medium": "1"}, []),
        ],
    )
    def test_are_filtered_by_medium_and_by_the_ways_of_text_messages(
        self, alice: User, phones: List, query: dict[str, str], found: list[str]
    ) -> None:
        make.make_optout(phones, "jane@example.com")
        texted(phones)
        make.make_optout(phones, OTHER, channel=Channel.SMS_LINK, assurance=Assurance.SIGNED)

        assert addresses(entries(alice, phones, **query)) == found

    def test_offer_the_two_ways_of_text_messages(self, alice: User, phones: List) -> None:
        page = entries(alice, phones).content.decode()

        assert '<option value="11">Inbound SMS</option>' in page
        assert '<option value="16">Link in a text message</option>' in page

    def test_tell_what_was_texted_and_to_which_number(self, alice: User, phones: List) -> None:
        texted(phones)

        text = look_at(entries(alice, phones)).text

        assert f"Texted “STOP please” to {TEXTED}" in text
        assert "reported by the gateway" in text

    def test_keep_a_viewer_from_what_somebody_wrote(self, viewer: User, phones: List) -> None:
        texted(phones, "STOP, it is Jane")

        text = look_at(entries(viewer, phones)).text

        assert f"Texted to {TEXTED}" in text
        assert "Jane" not in text

    def test_a_short_code_is_no_number_and_the_screen_says_so(
        self, alice: User, phones: List
    ) -> None:
        response = entries(alice, phones, q="88888")

        assert "This is a short code, or only a part of a phone number." in look_at(response).text
        assert addresses(response) == []

    def test_a_suppression_is_lifted_and_the_number_may_be_texted_again(
        self, alice: User, phones: List
    ) -> None:
        make.make_optout(phones, BERLIN)
        (entry,) = entries(alice, phones).context["entries"]
        path = url(phones, f"entries/{entry.digest}/lift")
        client = signed_in(alice)

        assert BERLIN in open_screen(client, path).text
        assert client.post(path, {"note": "They called."}).status_code == 302

        assert not Suppression.objects.exists()
        row = OptOut.objects.latest("id")
        assert (row.kind, row.address, row.medium) == (Kind.LIFT, BERLIN, Medium.SMS)


@pytest.mark.django_db
class TestCheck:
    """“Check an address”, from the box at the top of each screen or from its own page: both ask by `q`."""

    def check(self, user: User, written: str) -> Any:
        return signed_in(user).get("/manage/check/", {"q": written})

    @WRITTEN
    def test_knows_a_number_in_any_spelling(self, alice: User, phones: List, written: str) -> None:
        make.make_optout(phones, BERLIN)

        response = self.check(alice, written)

        found = {each.optout_list.name: each.answer for each in response.context["answers"]}
        assert found == {
            "Do Not Mail": Answer.MAY_BE_CONTACTED,
            "Garden letters": Answer.SUPPRESSED,
        }
        assert BERLIN in look_at(response).text

    @HASHES
    def test_knows_it_by_each_hash(self, alice: User, phones: List, written: str) -> None:
        make.make_optout(phones, BERLIN)

        response = self.check(alice, written.upper())

        answer = response.context["answers"][1].answer
        assert answer in {Answer.SUPPRESSED, Answer.UNKNOWN}
        assert (answer is Answer.UNKNOWN) == (len(written) == 40)

    def test_tells_what_happened_to_it(self, alice: User, phones: List) -> None:
        make.make_contact(phones.realm, BERLIN, phones)
        texted(phones)

        text = look_at(self.check(alice, "030 23125000")).text

        assert "Inbound SMS" in text
        assert f"Texted “STOP please” to {TEXTED}" in text
        assert "Contact: on no list" in text

    def test_of_a_number_that_nobody_has_says_that_it_may_be_texted(
        self, alice: User, phones: List
    ) -> None:
        text = look_at(self.check(alice, "030 23125000")).text

        assert "Not suppressed for these lists." in text

    @pytest.mark.parametrize("written", ["88888", "12345"])
    def test_refuses_a_short_code(self, alice: User, phones: List, written: str) -> None:
        response = self.check(alice, written)

        assert "answers" not in response.context
        assert "short code" in look_at(response).text

    def test_the_box_at_the_top_asks_for_either(self, alice: User) -> None:
        page = signed_in(alice).get("/manage/").content.decode()
        box = page.partition('action="/manage/check/"')[2].partition("</form>")[0]

        assert 'name="q"' in box
        assert 'type="email"' not in box


@pytest.mark.django_db
class TestQuarantine:
    """A text that nobody can be sure of, and an attack with numbers."""

    def wait(self, optout_list: List, said: str = "when does it end") -> None:
        evidence = Evidence(extra={"texted": TEXTED, "said": said})
        intent = make.make_intent(
            optout_list,
            BERLIN,
            channel=Channel.INBOUND_SMS,
            assurance=Assurance.API_CREDENTIAL,
            evidence=evidence,
        )
        quarantine_optout(intent, RefusalCause.UNCLEAR_TEXT)

    def decide(self, user: User, optout_list: List, verdict: str) -> None:
        client = signed_in(user)
        (text,) = client.get(url(optout_list, "quarantine")).context["texts"]
        client.post(url(optout_list, "quarantine/decide"), {"text": text.key, "verdict": verdict})

    def test_a_number_waits_there(self, alice: User, phones: List) -> None:
        self.wait(phones)

        text = open_screen(signed_in(alice), url(phones, "quarantine")).text

        assert "Text messages that may mean STOP" in text
        assert BERLIN in text and "when does it end" in text

    def test_accepting_suppresses_it_with_what_proves_it(self, alice: User, phones: List) -> None:
        self.wait(phones)

        self.decide(alice, phones, "accept")

        row = Suppression.objects.get()
        assert (row.address, row.medium) == (BERLIN, Medium.SMS)
        evidence = OptOut.objects.get().evidence or {}
        assert (evidence["texted"], evidence["said"]) == (TEXTED, "when does it end")

    def test_rejecting_suppresses_nobody(self, alice: User, phones: List) -> None:
        self.wait(phones)

        self.decide(alice, phones, "reject")

        assert not Suppression.objects.exists()

    def test_an_attack_with_numbers_is_decided_by_network(self, alice: User, phones: List) -> None:
        quarantine_optout(make.make_intent(phones, BERLIN), RefusalCause.BLOCKED_IP)
        client = signed_in(alice)
        (group,) = client.get(url(phones, "quarantine")).context["groups"]

        answer = {"group": group.value, "verdict": "accept"}
        client.post(url(phones, "quarantine/decide"), answer)

        assert Suppression.objects.get().address == BERLIN

    @pytest.mark.parametrize("channel", [Channel.INBOUND_SMS, Channel.SMS_LINK])
    def test_what_came_by_text_messages_is_taken_back_at_once(
        self, alice: User, phones: List, channel: Channel
    ) -> None:
        make.make_optout(phones, BERLIN, channel=channel)
        make.make_optout(phones, OTHER)
        chosen = f"?channel={channel:d}&since=2026-03-04T11:00&until=2026-03-04T13:00"
        client = signed_in(alice)

        assert client.get(url(phones, f"quarantine/revert{chosen}")).context["count"] == 1
        client.post(url(phones, f"quarantine/revert{chosen}"), {"name": "Garden letters"})

        assert Suppression.objects.get().address == OTHER


@pytest.mark.django_db
class TestFigures:
    @pytest.fixture(autouse=True)
    def _two_by_text_message(self, phones: List) -> None:
        for channel, address in ((Channel.INBOUND_SMS, BERLIN), (Channel.SMS_LINK, OTHER)):
            make.make_optout(phones, address, channel=channel, requested_at=timezone.now())

    def test_each_way_of_text_messages_has_a_colour_of_its_own(self, alice: User) -> None:
        screen = open_screen(signed_in(alice), "/manage/")

        assert "Inbound SMS: 1</title>" in screen.html and 'class="series-10"' in screen.html
        assert "Link in a text message: 1</title>" in screen.html
        assert 'class="series-11"' in screen.html
        assert "Other ways" not in screen.text

    def test_and_a_column_of_its_own(self, alice: User) -> None:
        rows = signed_in(alice).get("/manage/opt-outs-per-day.csv").content.decode()

        assert "Inbound SMS" in rows and "Link in a text message" in rows
