"""What a request's parameters become: names, placeholders, values (S1.8, S1.11–S1.19), and whatever a stranger sends."""

from typing import Any
from urllib.parse import urlencode

import pytest

from lists.models import List, Realm
from optout.models import GlobalLine, OptOut
from tests import make
from tests.optout.channels.cases import JANE, assert_nothing_recorded
from tests.optout.channels.global_unsubscribe.calls import call, get, post
from tests.pages import BROWSER

PHONE = "+14155552671"


@pytest.fixture
def dnm(realm: Realm) -> List:
    make.make_global_unsubscribe(realm)
    return make.do_not_mail(realm)


def line() -> Any:
    """The one line of the report."""
    return GlobalLine.objects.get()


def values() -> dict[str, Any]:
    """What it says, without what was not given."""
    names = ("email", "phone", "website", "publisher", "custom1", "custom2", "custom3")
    found = {name: getattr(line(), name) for name in names}
    return {name: value for name, value in found.items() if value}


@pytest.mark.usefixtures("dnm")
class TestNames:
    """S1.8: old scripts write them as they like."""

    def test_the_example_of_the_document(self) -> None:
        query = (
            "responseType=api&productId=0&website=www.shop.example&fields=email,phoneNumber&email=jane@example.com"
            "&phoneNumber=+14155552671&customField1=Germany&customField2=Berlin&customField3=Too many"
        )

        assert get(query).content == b"1"
        assert values() == {
            "email": JANE,
            "phone": PHONE,
            "website": "www.shop.example",
            "custom1": "Germany",
            "custom2": "Berlin",
            "custom3": "Too many",
        }

    def test_the_example_as_it_stands_there_names_nobody(self) -> None:
        """No placeholder is filled in."""
        query = (
            "responseType=api&productId=(productId)&website=(website)&fields=email,phoneNumber&email=(email)"
            "&phoneNumber=(phoneNumber)&customField1=(customField1)&customField2=(customField2)&customField3=(customField3)"
        )

        assert get(query).content == b"0"
        assert_nothing_recorded()

    @pytest.mark.parametrize(
        "query",
        [
            "RESPONSETYPE=API&EMAIL=jane@example.com&WEBSITE=a.example&CUSTOMFIELD1=x&PUBID=p9",
            "responsetype=api&Email=jane@example.com&Website=a.example&customfield1=x&pubid=p9&",
            "responseType=api&amp;email=jane@example.com&amp;website=a.example&amp;customField1=x&amp;pubID=p9",
            "responseType=api&amp;amp;email=jane@example.com&website=a.example&customField1=x&pubID=p9",
            "&&responseType=api&email=jane%40example.com&website=a.example&customField1=x&pubID=p9&&",
            "?responseType=api&email=jane@example.com&website=a.example&customField1=x&pubID=p9",
            "responseType=api&%65mail=jane@example.com&website=a.example&customField1=x&pubID=p9&x=1&email",
            "responseType=api&email=jane@example.com&+website+=a.example&customField1=%20x%20&pubID=+p9",
            "responseType=api&email=+jane@example.com+&website=+a.example+&customField1=x&pubID=p9",
        ],
    )
    def test_are_found(self, query: str) -> None:
        assert get(query).content == b"1"
        assert values() == {
            "email": JANE,
            "website": "a.example",
            "publisher": "p9",
            "custom1": "x",
        }

    @pytest.mark.parametrize(
        "name", ["?email", "??Email", "&?email", "amp;amp;email", "%20email", "&amp;email"]
    )
    def test_a_name_is_mended_before_the_plus_of_its_value(self, name: str) -> None:
        assert get(f"responseType=api&{name}=jane+tag@example.com").content == b"1"
        assert values() == {"email": "jane+tag@example.com"}

    @pytest.mark.parametrize("name", ["item", "phone", "e-mail", "customField4", "product"])
    def test_others_mean_nothing(self, name: str) -> None:
        assert call(**{name: JANE}).content == b"0"
        assert_nothing_recorded()


@pytest.mark.usefixtures("dnm")
class TestMissing:
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "%20",
            "%E2%80%8B",
            "%00",
            "NOT DEFINED",
            "not+defined",
            "Not%20Defined",
            "({})",
            "{{{}}}",
            "[{}]",
            "<{}>",
            "%25{}%25",
            "{{{{ {} }}}}",
            "*|{}|*",
            "${{{}}}",
            "<%25= {} %25>",
        ],
    )
    def test_a_blank_value_or_an_unfilled_placeholder(self, value: str) -> None:
        """S1.19: shown as NOT DEFINED, and no part of any other line."""
        names = ("phoneNumber", "website", "customField1", "customField2", "pubID", "uuid")
        query = "&".join(f"{name}={value.format(name)}" for name in (*names, "productId"))

        assert call(f"{query}&email={JANE}").content == b"1"

        assert values() == {"email": JANE}
        assert (line().product_number, line().form) == (0, None)

    @pytest.mark.parametrize("value", ["+", "%2B", "%20+%20"])
    def test_a_plus_alone_is_no_address(self, value: str) -> None:
        """`phoneNumber=+${phone}` of somebody who gave none."""
        for names in (("email", "phoneNumber"), ("phoneNumber", "email")):
            given = {"email": JANE, "phoneNumber": PHONE.replace("+", "%2B")}[names[0]]
            page = get(f"{names[0]}={given}&{names[1]}={value}", headers=BROWSER)

            assert page.status_code == 200, "it shows no error"
            query = f"{names[0]}={given}&{names[0]}={value}&{names[1]}={value}"
            assert call(query).content == b"1"

    @pytest.mark.parametrize("value", ["(email)", "{website}", "[x]", "(customField2)", "NOT"])
    def test_what_only_looks_alike_is_a_value(self, value: str) -> None:
        call(email=JANE, customField1=value)

        assert line().custom1 == value

    def test_a_missing_value_contradicts_nothing(self) -> None:
        query = f"email=&email={JANE}&email=(email)&website=a.example&website=&website=NOT DEFINED"

        assert call(query).content == b"1"
        assert values() == {"email": JANE, "website": "a.example"}


@pytest.mark.usefixtures("dnm")
class TestAddresses:
    @pytest.mark.parametrize(
        ("sent", "email"),
        [
            ("jane+tag@example.com", "jane+tag@example.com"),
            ("jane%2Btag%40example.com", "jane+tag@example.com"),
            ("Jane%20Doe%20<jane@EXAMPLE.com>", JANE),
            ("mailto:jane@example.com", JANE),
            ("jane@b%C3%BCcher.example", "jane@xn--bcher-kva.example"),
        ],
    )
    def test_emails_are_normalised(self, sent: str, email: str) -> None:
        call(f"email={sent}")
        assert values() == {"email": email}

    @pytest.mark.parametrize("name", ["phoneNumber", "phonenumber", "PHONENUMBER"])
    @pytest.mark.parametrize(
        "sent",
        [
            "+14155552671",
            "%2B14155552671",
            "+1+415+555+2671",
            "+1%20(415)%20555-2671",
            "%28415%29+555-2671",
            "0014155552671",
            "4155552671",
        ],
    )
    def test_phone_numbers_are_normalised(self, name: str, sent: str) -> None:
        """The realm is in the US."""
        call(f"{name}={sent}")
        assert values() == {"phone": PHONE}

    @pytest.mark.parametrize(
        ("body", "given"),
        [
            ("phoneNumber=+14155552671", {"phone": PHONE}),
            ("phoneNumber=%2B14155552671", {"phone": PHONE}),
            ("phoneNumber=+442079460958", {"phone": "+442079460958"}),
            # without its plus it would be 491 234 5678 at home
            ("phoneNumber=+4912345678", {"phone": "+4912345678"}),
            ("phoneNumber=+415+555+2671", {"phone": PHONE}),
            ("phoneNumber=+4155552671", {"phone": PHONE}),
            ("phoneNumber=tel:%2B442079460958", {"phone": "+442079460958"}),
            ("phoneNumber=tel:+442079460958", {"phone": "+442079460958"}),
            ("email=jane+tag@example.com", {"email": "jane+tag@example.com"}),
            ("Email=jane+tag@example.com", {"email": "jane+tag@example.com"}),
        ],
    )
    def test_a_plus_that_a_body_lost_is_mended(self, body: str, given: dict[str, str]) -> None:
        assert post(f"responseType=api&{body}").content == b"1"
        assert values() == given

    def test_a_space_in_front_is_no_plus(self) -> None:
        """202 is Washington; +20 would be Egypt."""
        number = "%202025550123"
        part = (
            '--b\r\nContent-Disposition: form-data; name="phoneNumber"\r\n\r\n 2025550123\r\n--b--'
        )
        answers = [
            call(f"phoneNumber={number}"),
            post(f"phoneNumber={number}", "responseType=api"),
            post(part, "responseType=api", kind="multipart/form-data; boundary=b"),
            post("phoneNumber=+2025550123", "responseType=api"),
        ]

        assert [each.content for each in answers] == [b"1"] * 4
        assert values() == {"phone": "+12025550123"}

    def test_a_plus_that_may_be_a_space_as_well_is_nobodys_number(self, realm: Realm) -> None:
        """One in Singapore; or one in Jamaica, which in the United States is dialled as at home."""
        assert post("responseType=api&phoneNumber=+6587654321").content == b"0"
        assert_nothing_recorded()
        assert post("responseType=api&phoneNumber=%2B6587654321").content == b"1"
        assert values() == {"phone": "+6587654321"}

    @pytest.mark.parametrize(
        "email",
        [
            "jane@example.com joe@example.com",
            "jane@example.com+joe@example.com",
            "jane@example.com/joe@example.com",
            "jane@example.com|joe@example.com",
            "jane@@example.com",
            "Jane <jane@example.com>, Joe <joe@example.com>",
            "jane@example.com <joe@example.com>",
        ],
    )
    def test_two_addresses_in_one_are_none(self, email: str) -> None:
        """One of them would be lost, and `1` said of both."""
        plain = urlencode({"responseType": "api", "email": email})
        for query in (plain, plain.replace("%2B", "+"), plain.replace("+", "%20")):
            assert get(query).content == b"0"
            assert post(query).content == b"0"
        assert_nothing_recorded()

    def test_the_realms_country_is_known(self, realm: Realm) -> None:
        realm.default_region = "GB"
        realm.save(update_fields=["default_region"])

        call(phoneNumber="020 7946 0958".replace(" ", ""))

        assert values() == {"phone": "+442079460958"}


@pytest.mark.usefixtures("dnm")
class TestProduct:
    """S1.15: 0 unless it is an active product of this realm; never an error."""

    @pytest.mark.parametrize("sent", ["7", "007", "%207%20", "+7"])
    def test_known(self, realm: Realm, sent: str) -> None:
        make.make_product(realm, 7)
        assert call(f"email={JANE}&productId={sent}").content == b"1"
        assert line().product_number == 7

    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "0",
            "8",
            "9",
            "-7",
            "7.0",
            "7a",
            "0x7",
            "٧",
            "７",
            "1_000",
            "2147483648",
            "99999999999999999999",
            "9" * 60_000,
            "0" * 60_000,
            "(id)",
            "7;7",
            "%00",
            "7%00",
        ],
    )
    def test_anything_else(self, realm: Realm, sent: str) -> None:
        make.make_product(realm, 7)
        make.make_product(realm, 1000)
        make.make_product(realm, 8, is_active=False)
        make.make_product(make.make_realm("other"), 9)

        assert call(f"email={JANE}&productId={sent}").content == b"1"
        assert line().product_number == 0
        assert OptOut.objects.get().evidence is None


class TestFormAndPublisher:
    """S1.16, S1.17: a known uuid names the publisher; unknown ones are ignored."""

    @pytest.mark.parametrize("shape", ["{}", "{{{}}}", "%20{}%20"])
    @pytest.mark.parametrize("spelled", [str.lower, str.upper, lambda text: text.replace("-", "")])
    def test_a_known_uuid_wins_over_pub_id(self, dnm: List, shape: str, spelled: Any) -> None:
        form = make.make_form(dnm.realm, make.make_publisher(dnm.realm, "p1"))

        call(f"email={JANE}&uuid={shape.format(spelled(str(form.uuid)))}&pubID=p2")

        assert (line().form, line().publisher) == (form.uuid, "p1")

    @pytest.mark.parametrize(
        "sent", ["", "x", "00000000-0000-0000-0000-000000000000", "{0}' OR 1=1", "{0}{0}", "%00"]
    )
    def test_any_other_is_ignored(self, dnm: List, sent: str) -> None:
        form = make.make_form(dnm.realm, make.make_publisher(dnm.realm, "p1"))

        assert call(f"email={JANE}&uuid={sent.format(form.uuid)}&pubID=p2").content == b"1"
        assert (line().form, line().publisher) == (None, "p2")

    def test_so_is_one_that_is_not_active_and_another_realms(self, dnm: List) -> None:
        other = make.make_realm("other")
        retired = make.make_form(dnm.realm, make.make_publisher(dnm.realm), is_active=False)
        foreign = make.make_form(other, make.make_publisher(other))

        call(email=JANE, uuid=retired.uuid)
        call(email=JANE, uuid=foreign.uuid)

        assert (line().form, line().publisher, line().unsubscribe_count) == (None, "", 2)

    def test_it_gives_product_and_website_where_the_url_does_not(self, dnm: List) -> None:
        product = make.make_product(dnm.realm, 7)
        stored = {"product": product, "website": "https://Stored.example/"}
        form = make.make_form(dnm.realm, make.make_publisher(dnm.realm), **stored)

        call(email=JANE, uuid=form.uuid)
        call(email=JANE, uuid=form.uuid, website="said.example", productId="(productId)")
        call(email=JANE, uuid=form.uuid, productId="99")

        found = GlobalLine.objects.order_by("id").values_list("product_number", "website")
        assert list(found) == [(7, "stored.example"), (7, "said.example"), (0, "stored.example")]

    def test_but_no_product_that_is_not_active(self, dnm: List) -> None:
        product = make.make_product(dnm.realm, 7, make.make_list(dnm.realm), is_active=False)
        form = make.make_form(dnm.realm, make.make_publisher(dnm.realm), product=product)

        call(email=JANE, uuid=form.uuid)

        assert line().product_number == 0
        assert OptOut.objects.get().optout_list == dnm

    def test_pub_id_is_kept_whether_or_not_it_is_known(self, dnm: List) -> None:
        call(email=JANE, pubID=" affiliate\u202e-77 " + "x" * 100)

        assert line().publisher == ("affiliate-77 " + "x" * 100)[:60]


@pytest.mark.usefixtures("dnm")
class TestTexts:
    @pytest.mark.parametrize(
        ("sent", "website"),
        [
            ("a.example", "a.example"),
            ("https://www.A.Example/Garden/", "www.a.example/Garden"),
            ("HTTP://a.example:8080//", "a.example:8080"),
            ("//a.example/x?y=z%23", "a.example/x"),
            ("a.example%23top", "a.example"),
            ("https://jane:secret@a.example/", "a.example"),
            ("jane@example.com", "example.com"),
            ("https://a.example/@jane", "a.example/@jane"),
            ("https://BU%CC%88CHER.example", "bücher.example"),
            ("a%00.ex%E2%80%AEample%0A", "a .example"),
            ("My Shop", "my shop"),
            ("https://", ""),
            ("?x=1", ""),
            ("a.example/" + "y" * 300, "a.example/" + "y" * 190),
            ("%ED%A0%80%FF", "\ufffd\ufffd\ufffd\ufffd"),
            ("javascript:alert(1)", "javascript:alert(1)"),
        ],
    )
    def test_websites_are_told_by_host_and_path(self, sent: str, website: str) -> None:
        """S1.18, S1.20."""
        assert call(f"email={JANE}&website={sent}").content == b"1"
        assert line().website == website

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("Too many emails", "Too many emails"),
            ("Too%0D%0Amany%09emails%00", "Too many emails"),
            ("Zu%CC%88rich", "Zürich"),
            ("%E2%80%AEkcart%E2%80%AC", "kcart"),
            ("%D9%86%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85", "نمی‌خواهم"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("=1%2B1", "=1+1"),
            ("1+1", "1 1"),
            ("x" * 10_000, "x" * 200),
            ("💩" * 300, "💩" * 200),
        ],
    )
    def test_custom_values_are_kept_in_one_line(self, sent: str, kept: str) -> None:
        call(f"email={JANE}&customField2={sent}")
        assert line().custom2 == kept
        assert OptOut.objects.get().evidence == {"custom2": kept}

    def test_the_longest_of_everything_is_recorded_whole(self, realm: Realm) -> None:
        form = make.make_form(realm, make.make_publisher(realm, "p" * 60))
        texts = dict.fromkeys(("website", "customField1", "customField2"), "ü" * 200)

        call(email="J" * 64 + "@example.com", uuid=form.uuid, customField3="x" * 200, **texts)

        assert (len(line().website), len(line().custom3), len(line().publisher)) == (200, 200, 60)
        assert len(OptOut.objects.get().evidence or {}) == 7
