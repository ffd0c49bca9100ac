"""`manage.py global_unsubscribe`: everything that the screens of Settings › Global do, from a shell."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, ManagementUtility, call_command
from django.utils import timezone

from lists.global_unsubscribe import EMAIL, PHONE
from lists.models import (
    AuditEntry,
    GlobalUnsubscribe,
    List,
    Product,
    Publisher,
    Realm,
    RealmHost,
    StoredForm,
)
from tests import make

UUID = "0b8f6a52-4c1d-4f7e-9a3b-5d2e1f0c9b8a"


def run(*arguments: Any) -> tuple[str, str]:
    """Call the command for the realm `acme`; what it printed, and what it remarked."""
    printed, remarked = io.StringIO(), io.StringIO()
    call_command("global_unsubscribe", "acme", *arguments, stdout=printed, stderr=remarked)
    return printed.getvalue(), remarked.getvalue()


def told(*arguments: Any) -> dict[str, Any]:
    """The JSON object that it prints."""
    found: dict[str, Any] = json.loads(run(*arguments, "--json")[0])
    return found


def refusal(*arguments: Any, code: int = 1) -> str:
    """What the command says when it refuses."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == code
    return str(caught.value)


@pytest.fixture(autouse=True)
def _address(settings) -> None:
    settings.BASE_URL = "https://optout.example"


@pytest.mark.django_db
class TestSwitching:
    def test_on_and_off(self, realm: Realm) -> None:
        assert told("show")["is_on"] is False
        answer = told("on")
        door = GlobalUnsubscribe.objects.get()
        assert door.is_on and answer["is_on"] is True
        assert answer["url"] == "https://optout.example/unsubscribe/unsubscribe"
        assert answer["key_url"].endswith(f"/g/{door.key}/unsubscribe/unsubscribe")
        assert answer["hosts"] == ["optout.example"]
        assert AuditEntry.objects.get().actor is None

        printed, remarked = run("off")
        assert "is off for the realm acme." in printed and remarked == ""
        door.refresh_from_db()
        assert not door.is_on

    def test_switching_off_what_is_in_use_is_remarked(self, realm: Realm) -> None:
        run("on")
        make.make_global_request(realm, requested_at=timezone.now())
        assert "1 request came in the last 7 days" in run("off")[1]

    def test_hosts_and_servers(self, realm: Realm) -> None:
        assert refusal("set", "--host=a.example") == "It was never on. Switch it on first."
        run("on")
        answer = told("set", "--host=A.example", "--host=b.example", "--server-ips=192.0.2.1/24")
        assert answer["hosts"] == ["a.example", "b.example", "optout.example"]
        assert answer["server_ips"] == ["192.0.2.0/24"]
        answer = told("set", "--remove-host=b.example", "--remove-host=optout.example")
        assert answer["hosts"] == ["a.example"]
        assert answer["server_ips"] == ["192.0.2.0/24"]
        assert told("set", "--server-ips=")["server_ips"] == []
        assert run("set", "--host=c.example", "--remove-host=a.example")[1] == ""

    def test_taking_a_name_from_what_is_in_use_is_remarked(self, realm: Realm) -> None:
        run("on")
        make.make_global_request(realm, requested_at=timezone.now())
        assert run("set", "--host=a.example", "--server-ips=192.0.2.1")[1] == ""
        remarked = run("set", "--remove-host=a.example")[1]
        assert "1 request came in the last 7 days" in remarked
        assert "What is sent to a.example may now reach another realm, or none." in remarked

    def test_what_cannot_be_is_named(self, realm: Realm) -> None:
        other = make.make_realm("other")
        RealmHost.objects.create(host="taken.example", realm=other)
        run("on")
        assert "https://a.example" in refusal("set", "--host=https://a.example")
        assert "taken.example leads to another realm" in refusal("set", "--host=taken.example")
        assert "333.333.333.333" in refusal("set", "--server-ips=333.333.333.333")
        assert "--host" in refusal("set", code=2)


@pytest.mark.django_db
class TestProducts:
    def test_it_is_made_and_changed(self, realm: Realm, optout_list: List) -> None:
        answer = told("product", "7", "Letters", "--list=1")
        assert answer == {"number": 7, "name": "Letters", "list": 1, "is_active": True}
        assert Product.objects.get().optout_list == optout_list

        assert told("product", "7", "--no-active")["is_active"] is False
        product = Product.objects.get()
        assert (product.name, product.optout_list) == ("Letters", optout_list)
        assert told("product", "7", "All", "--list=0", "--active") == {
            "number": 7,
            "name": "All",
            "list": 0,
            "is_active": True,
        }
        assert told("product", "8", "Old", "--no-active")["is_active"] is False

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("7",), "Name: Enter a name."),
            (("0", "A"), "from 1 to 2147483647"),
            (("2147483648", "A"), "from 1 to 2147483647"),
            (("7", "A", "--list=99"), "The realm has no list 99."),
            (("7", "x" * 101), "at most 100"),
            (("7", "a\nb"), "one line"),
        ],
    )
    def test_a_mistake_is_named(self, realm: Realm, arguments: tuple[str, ...], says: str) -> None:
        assert says in refusal("product", *arguments)
        assert not Product.objects.exists()


@pytest.mark.django_db
class TestPublishersAndForms:
    def test_they_are_made_and_changed(self, realm: Realm) -> None:
        assert told("publisher", "p1", "Shop") == {"reference": "p1", "name": "Shop"}
        run("publisher", "p1", "The shop")
        assert Publisher.objects.get().name == "The shop"

        run("product", "7", "Letters")
        made = told(
            "form",
            "Footer",
            "--publisher=p1",
            "--product=7",
            "--website=https://Shop.example/",
            "--fields=phoneNumber,customField1",
            "--label=customField1=Land = Ort",
            f"--uuid={UUID}",
        )
        assert made == {
            "uuid": UUID,
            "publisher": "p1",
            "product": 7,
            "name": "Footer",
            "website": "shop.example",
            "fields": [PHONE, "customField1"],
            "labels": {"customField1": "Land = Ort"},
            "is_active": True,
        }
        changed = told("form", f"--uuid={UUID}", "--product=0", "--fields=email", "--no-active")
        assert changed == {**made, "product": 0, "fields": [EMAIL], "is_active": False}
        assert StoredForm.objects.count() == 1

    def test_the_same_twice_is_one_form(self, realm: Realm) -> None:
        """By its name; where two have it, by its UUID."""
        run("publisher", "p1", "Shop")
        run("publisher", "p2", "Second shop")
        made = told("form", "Footer", "--publisher=p1", "--website=shop.example")
        assert told("form", "Footer", "--publisher=p1", "--website=shop.example") == made
        assert told("form", "Footer", "--no-active") == {**made, "is_active": False}
        assert StoredForm.objects.count() == 1

        second = told("form", "Footer", "--publisher=p2")
        assert StoredForm.objects.count() == 2
        assert "Say which by --uuid." in refusal("form", "Footer", "--active")
        changed = told("form", f"--uuid={second['uuid']}", "--website=b.example")
        assert changed == {**second, "website": "b.example"}
        own = told("form", "Footer", "--publisher=p1", f"--uuid={UUID}")
        assert own["uuid"] == UUID and StoredForm.objects.count() == 3

    def test_one_without_a_uuid_gets_one(self, realm: Realm) -> None:
        run("publisher", "p1", "Shop")
        made = told("form", "Footer", "--publisher=p1")
        assert made["uuid"] == str(StoredForm.objects.get().uuid)
        assert made["fields"] == [EMAIL, PHONE]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("--publisher=p1",), "Name: Enter a name."),
            (("A",), "Publisher: Choose one."),
            (("A", "--publisher=p9"), "The realm has no publisher p9."),
            (("A", "--publisher=p1", "--product=9"), "The realm has no product 9."),
            (("A", "--publisher=p1", "--fields=password"), "Choose among email, phoneNumber"),
            (("A", "--publisher=p1", "--fields=customField1"), "must ask for an email address"),
            (("A", "--publisher=p1", "--label=email=X"), "Labels are for customField1"),
            (("A", "--publisher=p1", "--uuid=7"), "This is no UUID."),
            (("A", "--publisher=p1", "--fields=email,email"), "each once"),
        ],
    )
    def test_a_mistake_is_named(self, realm: Realm, arguments: tuple[str, ...], says: str) -> None:
        make.make_publisher(realm)
        assert says in refusal("form", *arguments)
        assert not StoredForm.objects.exists()

    def test_not_defined_is_no_publisher(self, realm: Realm) -> None:
        assert "no ID" in refusal("publisher", "NOT DEFINED", "Nobody")


@pytest.mark.django_db
class TestShowing:
    def test_everything_in_lines_and_as_json(self, realm: Realm, optout_list: List) -> None:
        run("on")
        publisher = make.make_publisher(realm)
        product = make.make_product(realm, 7, optout_list, name="Letters")
        make.make_product(realm, 8, name="Old", is_active=False)
        make.make_form(
            realm,
            publisher,
            product=product,
            uuid=UUID,
            website="shop.example",
            fields=[EMAIL, "customField1"],
            labels={"customField1": "Country"},
        )
        make.make_global_request(realm, requested_at=timezone.now())

        lines = run()[0].splitlines()
        asked = "asks for email, customField1, customField1 is “Country”"

        assert lines[0] == "Unsubscribe API & Reporting is on for the realm acme."
        assert lines[1] == "Address: https://optout.example/unsubscribe/unsubscribe"
        assert lines[3:6] == [
            "Host names: optout.example",
            "Publishers’ servers: none",
            "Requests in 7 days: 1",
        ]
        assert lines[6:] == [
            "Product 7: Letters, to list 1, Garden letters",
            "Product 8: Old, to Do Not Mail (not active)",
            "Publisher p1: Shop",
            f"Form {UUID}: Shop form, p1, product 7, shop.example, {asked}",
        ]
        answer = told()
        assert answer == told("show")
        assert [each["number"] for each in answer["products"]] == [7, 8]
        assert answer["forms"][0]["uuid"] == UUID and answer["requests_in_7_days"] == 1

    def test_the_realm_must_be_there(self, realm: Realm) -> None:
        with pytest.raises(CommandError, match="no realm of that name"):
            call_command("global_unsubscribe", "nobody", "on")
        assert not GlobalUnsubscribe.objects.exists()

    @pytest.mark.parametrize(
        "arguments", [["acme", "burn"], ["acme", "product", "seven", "A"], ["acme", "on", "A"], []]
    )
    def test_what_is_not_understood_ends_with_2(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            ManagementUtility(["manage.py", "global_unsubscribe", *arguments]).execute()
        assert caught.value.code == 2
        assert "usage:" in capsys.readouterr().err
