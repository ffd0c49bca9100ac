"""Headers of custom fields that came with the URL: words of a stranger on the realm's own page (S1.13, AT-14, AT-15)."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists.global_unsubscribe import LONGEST_LABEL
from optout.channels.global_unsubscribe.labels import clean_label, own_label


class TestShown:
    @pytest.mark.parametrize(
        "label",
        [
            "Country",
            "City",
            "Reason",
            "Why do you leave? (optional)",
            "Straße & Ort",
            "Your name, e.g. J. Doe",
            "Nr.",
            "Year 2026",
            "Shipping address",
            "Opinion",
            "Compass point",
            "Country/City",
            "Pays / Région",
            "Land: Stadt",
            "国家",
            "国・地域",
            "البلد",
            "देश",
            "เหตุผล",
            "Причина",
            "Λόγος",
            "나라",
            "Țara",
            "Lý do hủy đăng ký",
            "Wesen haben",
            "Botanik",
            "Spinning class",
            "Rotan chairs",
            "Customer number",
            "Postal code",
            "Codice postale",
            "Promo code",
            "ZIP code",
            "Valid number",
            "Customer ID",
            "Discard my data",
            "Point of sale",
            "Country, city",
            "Polka dot fans",
            "C# or C++",
            "Loyalty card",
            "Gift cards",
            "Food bank",
            "Login name",
        ],
    )
    def test_a_plain_one_is_shown_as_it_is(self, label: str) -> None:
        assert clean_label(label) == label

    @pytest.mark.parametrize(
        ("label", "shown"),
        [
            ("  Country  \n or\tregion ", "Country or region"),
            ("Cou\u200bn\u202etry\ufeff\x00", "Country"),
            ("Country \udc80", "Country"),
            ("Ｃｏｕｎｔｒｙ", "Country"),
            ("Z\u0308u\u0308rich", "Z\u0308ürich"),
            ("a" + "\u0301" * 30, "á\u0301\u0301\u0301"),
            ("x" * 60, "x" * 40),
            ("Country " * 9, "Country Country Country Country Country"),
            ("<b>Country</b>", "<b>Country</b>"),  # the template escapes it
        ],
    )
    def test_in_one_bounded_line(self, label: str, shown: str) -> None:
        assert clean_label(label) == shown


class TestLinks:
    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example/x",
            "HTTP://EVIL",
            "//evil",
            "www.evil.example",
            "evil.example",
            "evil.example:8080",
            "(evil.example)",
            "bit.ly/x",
            "t.co",
            "evil.рф",
            "evil。example",
            "ｅｖｉｌ．ｅｘａｍｐｌｅ",
            "evil․example",  # a one-dot leader
            "ev\u200bil\u200b.\u200bexample",
            "xn--80ak6aa92e.com",
            "192.0.2.1",
            "jane@example.com",
            "jane＠example",
            "@evil",
            "mailto:jane",
            "tel:0900",
            "javascript:alert(1)",
            ".example",
        ],
    )
    def test_are_taken_out(self, link: str) -> None:
        assert clean_label(f"Ask {link} why") == "Ask why"
        assert clean_label(link) == "", "and its field is hidden"

    @pytest.mark.parametrize(
        ("label", "shown"),
        [
            ("www evil com", ""),
            ("Visit evil . com", "Visit"),
            ("evil. com", ""),
            ("Ask EVIL dot com why", "Ask why"),
            ("evil,com", ""),
            ("Ask ｗｗｗ evil now", "Ask"),
        ],
    )
    def test_also_when_their_dot_is_something_else(self, label: str, shown: str) -> None:
        assert clean_label(label) == shown

    @pytest.mark.parametrize("label", ["", " ", "?!", "…", "123", "\u200b", "<>", "💩", "_"])
    def test_what_says_nothing_hides_its_field(self, label: str) -> None:
        assert clean_label(label) == ""

    @pytest.mark.parametrize(
        "label", ["Call 0900 123456", "Call +1 (900) 555-0123", "٠٩٠٠١٢٣٤ call"]
    )
    def test_so_does_a_number_to_call(self, label: str) -> None:
        assert clean_label(label) == ""


class TestSecrets:
    @pytest.mark.parametrize(
        "label",
        [
            "Password",
            "Your pass word",
            "PASS-WORD:",
            "p4ssw0rd",
            "pa$$word",
            "Pаsswоrd",  # two Cyrillic letters
            "Ｐａｓｓｗｏｒｄ",
            "Pass\u200bword",
            "Pá́ssword",
            "p.a.s.s.w.o.r.d",
            "Passphrase",
            "PIN",
            "Your P I N",
            "P.I.N.",
            "Pin-Code",
            "P1N",
            "CVV",
            "CVV2 / CVC2",
            "Card number",
            "Credit-card no.",
            "Debitcard",
            "IBAN",
            "Bank account",
            "SSN (last 4 digits)",
            "Social Security",
            "One-time code",
            "OTP",
            "Security code",
            "Mother's maiden name",
            "Passport",
            "passw*rd",
            "P•N number",
            "PlN",
            "P|N",
            "16 digits on your card",
            "CC number",
            "ID number",
            "ID-card",
            "Bank login",
            "SMS code",
            "Recovery phrase",
            "Expiry date",
            "Passwort",
            "Kennwort",
            "Kreditkarten-Nr.",
            "Kartenprüfnummer",
            "TAN",
            "Sozialversicherungsnummer",
            "Mot de passe",
            "Numéro de carte",
            "Carte bancaire",
            "Contraseña",
            "Número de tarjeta",
            "Clave",
            "Senha",
            "Cartão de crédito",
            "Codice fiscale",
            "Wachtwoord",
            "Lösenord",
            "Hasło",
            "Numer karty",
            "Heslo",
            "Jelszó",
            "Şifre",
            "Parolă",
            "Пароль",
            "ПИН",
            "Номер карты",
            "Κωδικός πρόσβασης",
            "סיסמה",
            "كلمة المرور",
            "رقم البطاقة",
            "رمز عبور",
            "पासवर्ड",
            "รหัสผ่าน",
            "Mật khẩu",
            "Kata sandi",
            "密码",
            "信用卡号",
            "パスワード",
            "暗証番号",
            "비밀번호",
        ],
    )
    def test_a_label_that_asks_for_one_hides_its_field(self, label: str) -> None:
        assert clean_label(label) == ""

    def test_also_when_a_link_stood_between(self) -> None:
        assert clean_label("pass x.example word") == ""


class TestOwn:
    def test_what_the_realm_wrote_itself_is_only_bounded(self) -> None:
        assert (
            own_label(" Ask www.acme.example\nfor the PIN ") == "Ask www.acme.example for the PIN"
        )
        assert own_label("x" * 60) == "x" * LONGEST_LABEL
        assert own_label("\u202ex\x00") == "x"


class TestAnything:
    @given(st.text(st.characters(), max_size=80))
    def test_is_short_visible_and_no_link(self, text: str) -> None:
        label = clean_label(text)

        assert len(label) <= LONGEST_LABEL and label == label.strip()
        assert "@" not in label and "//" not in label
        categories = {unicodedata.category(character) for character in label}
        assert not categories & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        assert own_label(text) == own_label(own_label(text))

    @pytest.mark.parametrize("text", ["x", "\u0301", ".a", "1.", "a:", "💩", "ﷺ", " ", "@", "P "])
    def test_64_kib_of_it_take_no_time(self, text: str) -> None:
        seconds = []
        for _attempt in range(3):  # the least of three: a collection of garbage may fall into one
            started = time.process_time()
            clean_label(text * 65_536)
            seconds.append(time.process_time() - started)

        assert min(seconds) < 0.05
