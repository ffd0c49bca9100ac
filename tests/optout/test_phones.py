"""One phone, one key, however its number was written and by whichever way in (security.md §1, phones)."""

import pytest
from django.utils.translation import override
from hypothesis import example, given
from hypothesis import strategies as st

from lists.models import List, Realm
from optout.addresses import AddressError, mask, parse_phone, phone_key
from optout.choices import Channel, Medium
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.test_page import heading, page_path, submit, text_of
from tests.pages import PublicClient, form_fields, signed_path

BERLIN = "+493023125000"
PARIS = "+33612345678"
# How people, spreadsheets and gateways write the number in Berlin, in a realm whose numbers are German.
SPELLINGS = {
    "E.164": BERLIN,
    "national": "030 23125000",
    "area code in brackets": "(030) 23 12 50 00",
    "slash": "030/23125-000",
    "country code": "+49 30 23125000",
    "00": "0049 30 23125000",
    "zero in brackets": "+49 (0)30 23125000",
    "full width": "＋４９　３０　２３１２５０００",
    "Arabic-Indic digits": "٠٣٠ ٢٣١٢٥٠٠٠",
    "Arabic-Indic digits with country code": "+٤٩٣٠٢٣١٢٥٠٠٠",
    "right-to-left mark": "\u200f+49 30 23125000\u200f",
    "as a phone copies it": "\u202a+49 30 23125000\u202c",
    "no-break spaces": "+49\u00a030\u00a023125000",
    "narrow and thin spaces": "030\u202f23\u200912\u200950\u200900",
    "dots in the middle": "030·23·12·50·00",
    "no-break hyphens": "030\u201123125\u2011000",
    "extension": "030 23125000 ext. 12",
    "extension as in a link": "tel:+49-30-23125000;ext=12",
    "extension to dial": "+493023125000,,12#",
    "gateway's prefix": "sms:+493023125000",
}
WRITTEN = pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    return make.make_list(realm, accepts="phone")


def stored() -> tuple[str | None, Medium, bytes]:
    row = Suppression.objects.get()
    return row.address, Medium(row.medium), bytes(row.digest)


class TestKey:
    @WRITTEN
    def test_is_the_same_for_every_spelling(self, written: str) -> None:
        address = parse_phone(written, "DE")

        assert (address.key, address.flagged) == (BERLIN, False)

    @pytest.mark.parametrize("written", ["06\u202f12\u202f34\u202f56\u202f78", "06.12.34.56.78"])
    def test_reads_what_a_country_writes_in_its_own_way(self, written: str) -> None:
        assert phone_key(written, "FR") == PARIS

    @pytest.mark.parametrize(
        "written", ["Tel.+49 30 23125000", "fax+49 30 23125000", "Jo,+49 30 23125000"]
    )
    def test_keeps_the_plus_behind_a_word(self, written: str) -> None:
        """Without it a number of another country would be one of this."""
        assert phone_key(written, "US") == BERLIN

    @pytest.mark.parametrize(
        "written",
        [
            "+99912345678",
            "+999 1234 5678",
            "tel:+999-1234-5678",
            "+999 12345678 ext. 5",
            "+999 12345678 x5",
            "+99912345678;ext=5",
        ],
    )
    def test_of_a_number_that_cannot_be_dialled_is_kept_and_flagged(self, written: str) -> None:
        address = parse_phone(written, "DE")

        assert (address.key, address.flagged) == ("+99912345678", True)

    @pytest.mark.parametrize("region", ["DE", "US", "GB", ""])
    @pytest.mark.parametrize("written", ["110", "12345", "88888", "٨٨٨٨٨", "116117", "12345 x12"])
    def test_is_none_for_a_short_code_which_is_told_so(self, written: str, region: str) -> None:
        with pytest.raises(AddressError, match="short code") as caught:
            parse_phone(written, region)
        assert caught.value.code == "short"

    @pytest.mark.parametrize(
        ("region", "example"),
        [
            ("US", "+1 202 555 0123"),
            ("DE", "+49 30 23125 000"),
            ("at", "+43 …"),
            ("ZZ", "+44 20 7946 0958"),
        ],
    )
    @pytest.mark.parametrize("written", ["110", "nonsense"])
    def test_is_none_and_the_example_is_of_the_region(
        self, written: str, region: str, example: str
    ) -> None:
        with pytest.raises(AddressError) as caught:
            parse_phone(written, region)
        for language in ("en", "de", "ar"):
            with override(language):
                assert example in str(caught.value)

    @pytest.mark.parametrize(
        ("written", "region", "key"),
        [("4123", "NU", "+6834123"), ("22345", "FK", "+50022345"), ("211234", "FO", "+298211234")],
    )
    def test_is_there_for_the_short_numbers_of_small_countries(
        self, written: str, region: str, key: str
    ) -> None:
        assert phone_key(written, region) == key

    @pytest.mark.parametrize("written", ["+49170123456712345", "017012345671234", "+12345"])
    def test_has_seven_to_fifteen_digits(self, written: str) -> None:
        """Germany's numbering plan has room for more, and for fewer; E.164, the files and the short links have not."""
        with pytest.raises(AddressError):
            parse_phone(written, "DE")

    @given(
        st.text(
            st.sampled_from("0123456789+＋٠٣٥٩०१ ()-./\u00a0\u202f\u2009·x#,;\u200f\u202a"),
            min_size=3,
            max_size=24,
        ),
        st.sampled_from(["US", "DE", "GB", "AR", "IT", "FR", "NU", "KP", ""]),
    )
    @example("+0001234567", "US")
    @example("0000000", "DE")
    def test_is_its_own_key_whatever_was_written(self, written: str, region: str) -> None:
        try:
            key = phone_key(written, region)
        except AddressError:
            return
        assert key[0] == "+" and key[1:].isascii() and key[1:].isdigit() and 8 <= len(key) <= 16
        assert mask(key) != "•••"
        for other in (region, "US", "KP", ""):
            assert phone_key(key, other) == key


@pytest.mark.django_db
class TestHostedPage:
    @WRITTEN
    def test_what_is_typed_is_one_number(self, phones: List, written: str) -> None:
        response = submit(phones, written)

        assert response.status_code == 303
        assert stored() == (BERLIN, Medium.SMS, parse_phone(BERLIN, "").digest)
        assert (OptOut.objects.get().evidence or {}).get("raw", BERLIN) == written

    @pytest.mark.parametrize("name", ["phone", "item"])
    @pytest.mark.parametrize(
        "value",
        [
            "+493023125000",
            "%2B493023125000",
            "+49+30+23125000",
            "+49%2030%2023125000",
            "0049%2030%2023125000",
            "030%2023125000",
            "030+23125000",
            "030+23125000+ext.+12",
            "030+23125000+x+12",
            "%2B49+30+23125000+ext+12",
            "%D9%A0%D9%A3%D9%A0%D9%A2%D9%A3%D9%A1%D9%A2%D9%A5%D9%A0%D9%A0%D9%A0",
            "%EF%BC%8B493023125000",
            "%E2%80%8F%2B493023125000",
            "tel:+49-30-23125000",
        ],
    )
    def test_a_link_with_the_number_asks_for_one_tap(
        self, phones: List, name: str, value: str
    ) -> None:
        client, path = PublicClient(), page_path(phones, f"?{name}={value}")

        page = client.get(path)

        assert heading(page) == "Unsubscribe from <bdi>Garden letters</bdi>?"
        assert not Suppression.objects.exists()
        assert client.press(page, path).status_code == 303
        assert stored()[0] == BERLIN

    def test_the_link_of_the_seed_keeps_its_plus(self) -> None:
        """`?phone=+1415…`, the commonest broken link; the plus is what makes it no German number."""
        optout_list = make.make_list(make.make_realm("other", default_region="DE"), accepts="phone")
        client, path = PublicClient(), page_path(optout_list, "?phone=+14155552671")

        client.press(client.get(path), path)

        assert stored()[0] == "+14155552671"

    @pytest.mark.parametrize(("region", "key"), [("DE", "+491701234567"), ("GB", "+441701234567")])
    def test_a_national_number_is_of_the_realms_country(self, region: str, key: str) -> None:
        phones = make.make_list(make.make_realm("other", default_region=region), accepts="phone")

        submit(phones, "0170 1234567")

        assert stored()[0] == key

    @pytest.mark.parametrize("accepts", ["phone", "either"])
    def test_a_short_code_is_refused_and_the_form_says_why(
        self, realm: Realm, accepts: str
    ) -> None:
        optout_list = make.make_list(realm, accepts=accepts)

        page = submit(optout_list, "88888")

        assert page.status_code == 400
        assert "This is a short code, or only a part of a phone number." in text_of(page)
        assert form_fields(page)["item"] == "88888"
        assert not Suppression.objects.exists()

    def test_a_number_that_cannot_be_dialled_is_stored(self, phones: List) -> None:
        assert submit(phones, "+999 1234 5678").status_code == 303
        assert stored()[0] == "+99912345678"

    def test_an_email_list_takes_the_number_of_a_link_that_says_phone(self, realm: Realm) -> None:
        """An opt-out is not refused because the form asks for something else."""
        client, path = PublicClient(), page_path(make.make_list(realm), "?phone=030+23125000")

        client.press(client.get(path), path)

        assert stored()[0] == BERLIN

    def test_every_spelling_is_the_same_person(self, phones: List) -> None:
        for written in SPELLINGS.values():
            submit(phones, written)

        assert Suppression.objects.count() == 1
        assert list(OptOut.objects.values_list("is_new", flat=True)).count(True) == 1

    @pytest.mark.parametrize("language", ["en", "ar"])
    @pytest.mark.parametrize("is_signed", [False, True])
    def test_pages_write_the_number_from_left_to_right(
        self, phones: List, language: str, is_signed: bool
    ) -> None:
        """In an Arabic page too; by a link that anybody may have forwarded, masked."""
        client = PublicClient()
        path = (
            f"{signed_path(phones.pk, BERLIN)}?"
            if is_signed
            else f"/u/{phones.public_id}?phone={BERLIN}&"
        )
        path += f"lang={language}"
        number = "+49 ••• ••00" if is_signed else BERLIN

        page = client.get(path)
        done = client.get(client.press(page, path)["Location"])

        for each in (page, done):
            assert f'<bdi dir="ltr">{number}</bdi>' in each.content.decode()


@pytest.mark.django_db
class TestSignedLink:
    def test_names_the_number_and_undo_brings_it_back(self, phones: List) -> None:
        client, path = PublicClient(), signed_path(phones.pk, BERLIN)

        done = client.press(client.get(path), path)["Location"]

        assert OptOut.objects.get().channel == Channel.SIGNED_LINK
        client.press(client.get(done), done)
        assert not Suppression.objects.exists()
        assert OptOut.objects.latest("id").address == BERLIN


@pytest.mark.django_db
class TestServerToServer:
    @pytest.mark.parametrize(
        "query", ["phone=+493023125000", "item=%2B493023125000", "phone=030%2023125000"]
    )
    def test_a_listed_server_reports_a_number(self, realm: Realm, query: str) -> None:
        optout_list = make.make_list(realm, accepts="phone", whitelist=["192.0.2.7"])

        answer = PublicClient(headers={"user-agent": "PHP/8.3"}).get(
            page_path(optout_list, f"?{query}")
        )

        assert answer.headers["Optout-Status"] == "recorded"
        assert stored()[0] == BERLIN
