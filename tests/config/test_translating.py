"""config/translating.py: what `{% translate %}` says, in whatever language is active."""

import pytest
from django.template import Context, Engine, engines
from django.utils import translation

DJANGOS = Engine(libraries={"i18n": "django.templatetags.i18n"})


@pytest.mark.parametrize(
    "source",
    [
        '{% translate "Unsubscribe" %}',
        '{% trans "Unsubscribe" %}',
        '{% translate "Unsubscribe" as said %}<{{ said }}>{{ said|upper }}',
        '{% translate "Unsubscribe" noop %}',
        '{% translate "Unsubscribe"|upper %}',
        '{% translate "Unsubscribe" context "a button" %}',
        "{% translate name %}",
        '{% translate "" %}',
        '{% translate "100 % & <b>it\'s</b> %(n)s" %}',
        '{% autoescape off %}{% translate "a & b" %}{% endautoescape %}',
    ],
)
def test_it_says_what_djangos_tag_does(source: str) -> None:
    known = {"name": "Unsubscribe <b>"}
    theirs = DJANGOS.from_string("{% load i18n %}" + source)
    for before in ("", "{% load i18n %}"):
        ours = engines["django"].from_string(before + source)
        for language in ("en", "de", "ar", "de", "en"):
            with translation.override(language):
                assert ours.render(known) == theirs.render(Context(known)), language


def test_it_is_in_the_language_of_the_moment() -> None:
    template = engines["django"].from_string('{% translate "Unsubscribe" %}')
    said = []
    for language in ("en", "de", "en"):
        with translation.override(language):
            said.append(template.render())
    assert said == ["Unsubscribe", "Abmelden", "Unsubscribe"]
