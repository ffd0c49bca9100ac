from dataclasses import replace

import pytest

from lists.choices import Language
from lists.lookup import snapshot
from lists.segments import measure
from optout.confirmation_texts import default_texts, write_confirmation
from tests import make


def test_there_is_a_text_in_each_language() -> None:
    texts = default_texts()

    assert set(texts) == set(Language.values)
    for text in texts.values():
        assert text.count("{sender}") == 1


@pytest.mark.django_db
def test_it_costs_two_messages_at_most_in_any_language() -> None:
    realm = make.make_realm()
    own, everything = snapshot(make.make_list(realm)), snapshot(make.do_not_mail(realm))

    for code in Language.values:
        spoken = replace(own, locked_language=code)
        for target in (everything, spoken):
            text = write_confirmation({}, spoken, target)
            assert "Acme Garden" in text and "{" not in text
            assert measure(text).segments <= 2, code
