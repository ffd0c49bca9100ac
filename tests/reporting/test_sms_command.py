"""`manage.py sms`: what the portal does under Settings › Text messages, from a shell."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from lists.models import AuditEntry, InboundEndpoint, List, Realm, SmsNumber
from lists.sms_setup import rules_of, secret_of, tokens_of
from tests import make

NUMBER = "+18005550199"
TOKEN = "0123456789abcdef0123456789abcdef"


def run(*arguments: str) -> tuple[str, str]:
    """Call the command for the realm `acme`; what it printed, and what it remarked."""
    printed, remarked = io.StringIO(), io.StringIO()
    call_command("sms", *arguments, "--realm=acme", stdout=printed, stderr=remarked)
    return printed.getvalue(), remarked.getvalue()


def ask(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*arguments, "--json")[0])
    return answer


def refusal(*arguments: str, code: int = 1) -> str:
    """What the command says when it refuses."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    return str(caught.value)


@pytest.fixture
def endpoint(realm: Realm) -> InboundEndpoint:
    return make.make_inbound_endpoint(realm)


@pytest.mark.django_db
class TestShowing:
    def test_a_realm_that_said_nothing(self, realm: Realm) -> None:
        printed, _ = run("show")
        assert "There are no numbers." in printed
        assert "There are no inbound endpoints." in printed
        assert "Stops: cancel, end, opt out, quit, revoke, stop, unsubscribe, " in printed
        assert "START does nothing." in printed

    def test_all_that_is_set_up_and_no_secret(
        self, realm: Realm, optout_list: List, endpoint: InboundEndpoint
    ) -> None:
        make.make_sms_number(realm, NUMBER, optout_list, label="Deliveries")

        answer = ask("show")

        assert answer["numbers"] == [{"number": NUMBER, "label": "Deliveries", "list": 1}]
        (found,) = answer["endpoints"]
        assert found["id"] == endpoint.public_id
        assert found["url"].endswith(f"/sms/{endpoint.public_id}")
        assert secret_of(endpoint) not in str(answer) + "".join(run("show"))


@pytest.mark.django_db
class TestNumbers:
    def test_one_is_made_changed_and_removed(self, realm: Realm, optout_list: List) -> None:
        assert ask("number", "--number=(800) 555-0199", "--list=1")["list"] == 1
        ask("number", f"--number={NUMBER}", "--label=Deliveries")
        row = SmsNumber.objects.get()
        assert (row.label, row.optout_list) == ("Deliveries", optout_list)
        assert ask("number", f"--number={NUMBER}", "--list=0")["list"] is None
        run("remove-number", f"--number={NUMBER}")
        assert not SmsNumber.objects.exists()
        assert {each.actor for each in AuditEntry.objects.all()} == {None}
        assert "has no number" in refusal("remove-number", f"--number={NUMBER}")

    def test_none_is_given_away_that_other_lists_messages_came_from(
        self, realm: Realm, optout_list: List
    ) -> None:
        make.make_sms_number(realm, NUMBER)
        make.make_list(realm, 5, sms_stop_scope="list")
        make.make_text_message(optout_list, sender=NUMBER)
        said = refusal("number", f"--number={NUMBER}", "--list=5")
        assert f"is being sent from {NUMBER}" in said
        assert SmsNumber.objects.get().optout_list is None

    def test_what_is_wrong_is_said(self, realm: Realm) -> None:
        assert "needs --number" in refusal("number", code=2)
        assert "country code" in refusal("number", "--number=ACME", code=2)
        assert "has no list 9" in refusal("number", f"--number={NUMBER}", "--list=9")
        assert "goes with" in refusal("show", f"--number={NUMBER}", code=2)


@pytest.mark.django_db
class TestRules:
    def test_words_come_and_go(self, realm: Realm) -> None:
        answer = ask("keyword", "--add=BASTA!, Lass mich", "--drop=arret, Stop All")
        assert answer["own_keywords"] == ["basta", "lass mich"]
        assert answer["dropped_keywords"] == ["arrêt", "stop all"]

    def test_a_built_in_one_comes_back(self, realm: Realm) -> None:
        run("keyword", "--drop=remove")
        assert rules_of(realm.pk).dropped_keywords == {"remove"}
        run("keyword", "--add=Remove")
        assert rules_of(realm.pk).dropped_keywords == frozenset()
        assert rules_of(realm.pk).own_keywords == frozenset()

    def test_an_own_one_goes(self, realm: Realm) -> None:
        run("keyword", "--add=basta")
        run("keyword", "--drop=Basta!")
        assert rules_of(realm.pk).own_keywords == frozenset()

    @pytest.mark.parametrize("word", ["stop", "opt-out", "OptOut", "UNSUBSCRIBE"])
    def test_the_first_seven_stay(self, realm: Realm, word: str) -> None:
        assert "always stops" in refusal("keyword", f"--drop={word}")

    def test_what_is_wrong_is_said(self, realm: Realm) -> None:
        assert "needs --add or --drop" in refusal("keyword", code=2)
        assert "no word that stops" in refusal("keyword", "--drop=hello")
        assert "messages again" in refusal("keyword", "--add=start")
        assert "needs --lifts" in refusal("start", code=2)
        assert "needs --language" in refusal("confirmation", "--text=Bye", code=2)
        assert "There is no {list}" in refusal("confirmation", "--language=en", "--text=Bye {list}")
        assert "at most 480" in refusal("confirmation", "--language=en", f"--text={'x' * 481}")

    def test_start_and_the_confirmation(self, realm: Realm) -> None:
        assert ask("start", "--lifts")["start_lifts"]
        assert not ask("start", "--no-lifts")["start_lifts"]
        ask("confirmation", "--language=de", "--text=Tschüss, {sender}")
        answer = ask("confirmation", "--language=en", "--text=Bye")
        assert answer["confirmation_texts"] == {"de": "Tschüss, {sender}", "en": "Bye"}
        answer = ask("confirmation", "--language=de", "--text=")
        assert answer["confirmation_texts"] == {"en": "Bye"}


@pytest.mark.django_db
class TestEndpoints:
    def test_making_one_prints_its_secret_alone(self, realm: Realm) -> None:
        printed, remarked = run(
            "endpoint", "--label=Main", "--confirms-by=answer", "--allow=192.0.2.1"
        )
        made = InboundEndpoint.objects.get()
        assert printed.strip() == secret_of(made)
        assert f"/sms/{made.public_id}" in remarked
        assert (made.label, made.confirms_by, made.allow_list) == ("Main", "answer", ["192.0.2.1"])

    def test_it_is_changed(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        answer = ask("change-endpoint", f"--id={endpoint.public_id}", "--confirms-by=nobody")
        assert answer["confirms_by"] == "nobody"
        assert "Not an IP" in refusal(
            "change-endpoint", f"--id={endpoint.public_id}", "--allow=nonsense"
        )

    def test_its_secret_is_printed_and_rotated(
        self, realm: Realm, endpoint: InboundEndpoint
    ) -> None:
        old = run("secret", f"--id={endpoint.public_id}")[0].strip()
        assert old == secret_of(endpoint)
        printed, remarked = run("rotate", f"--id={endpoint.public_id}", "--overlap-hours=0")
        endpoint.refresh_from_db()
        assert printed.strip() == secret_of(endpoint) != old
        assert "The old one has ended." in remarked
        assert "0 to 168" in refusal(
            "rotate", f"--id={endpoint.public_id}", "--overlap-hours=169", code=2
        )

    def test_twilios_tokens_come_from_standard_input(self, realm: Realm, monkeypatch: Any) -> None:
        printed, remarked = run("endpoint", "--format=twilio")
        made = InboundEndpoint.objects.get()
        assert printed.strip().endswith(f"/sms/{made.public_id}")
        assert "sms tokens" in remarked
        assert "no auth token" in run("show")[0]
        assert "no secret" in refusal("secret", f"--id={made.public_id}")

        monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
        printed, _ = run("tokens", f"--id={made.public_id}")

        assert TOKEN not in printed
        made.refresh_from_db()
        assert tokens_of(made) == [TOKEN]

    def test_it_is_removed(self, realm: Realm, endpoint: InboundEndpoint) -> None:
        run("remove-endpoint", f"--id={endpoint.public_id}")
        assert "has no inbound endpoint" in refusal("secret", f"--id={endpoint.public_id}")

    def test_that_of_another_realm_is_not_found(self, realm: Realm) -> None:
        theirs = make.make_inbound_endpoint(make.make_realm("other"))
        assert "has no inbound endpoint" in refusal("secret", f"--id={theirs.public_id}")
        assert "needs --id" in refusal("secret", code=2)
