"""lists/reserved_names.py: no list but Do Not Mail may look like it."""

import pytest

from lists.reserved_names import is_reserved_name


@pytest.mark.parametrize(
    "name",
    [
        "Do Not Mail",
        " do  NOT\u00a0mail ",
        "DoNotMail",
        "do-not-mail",
        "“Do Not Mail”",
        "Ｄｏ Ｎｏｔ Ｍａｉｌ",
        "𝐃𝐨 𝐍𝐨𝐭 𝐌𝐚𝐢𝐥",
        "Do\u200bNot\u00adMail\u202e",
        "Dó Nöt Mail",
        "Do Not Maıl".replace("ı", "i\u0307"),
    ],
)
def test_what_reads_like_it_is_reserved(name: str) -> None:
    assert is_reserved_name(name)


@pytest.mark.parametrize(
    "name", ["", "Do Not Mail 2", "Do Not Mail (spring)", "Do Not Call", "Mail", "不要"]
)
def test_other_names_are_free(name: str) -> None:
    assert not is_reserved_name(name)
