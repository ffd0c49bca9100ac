from pathlib import Path

import pytest

from tools.unmarked import in_python, in_template

PAGE, MAIL, MODULE = Path("page.html"), Path("mail.txt"), Path("forms.py")


def template(source: str, path: Path = PAGE) -> list[tuple[int, str, str]]:
    return [
        (each.line, each.what, " ".join(each.text.split())) for each in in_template(path, source)
    ]


def python(source: str) -> list[tuple[int, str, str]]:
    return [(each.line, each.what, each.text) for each in in_python(MODULE, source)]


class TestTemplates:
    @pytest.mark.parametrize(
        ("source", "what", "text"),
        [
            ("<p>Nothing yet</p>", "text", "Nothing yet"),
            ("<p>{{ count }} lists</p>", "text", "lists"),
            ('<a title="More">{{ x }}</a>', "title", "More"),
            ('<input placeholder="Jane">', "placeholder", "Jane"),
            ('<img alt="{{ n }} dots">', "alt", "dots"),
            ('<nav aria-label="Pages"></nav>', "aria-label", "Pages"),
            ('<td data-label="Name">{{ x }}</td>', "data-label", "Name"),
            ('<input type="submit" value="Save">', "value", "Save"),
            (
                '{% include "a.html" with title="No lists yet" kind="soft" %}',
                "title",
                "No lists yet",
            ),
            ('{{ name|default:"Nobody" }}', "default", "Nobody"),
            ("<p{% if a > b %} class=x{% endif %}>Off</p>", "text", "Off"),
            ("<{% if a %}ul{% else %}ol{% endif %} class=x><li>One</li>", "text", "One"),
            ("<code>heed</code> is here", "text", "is here"),
        ],
    )
    def test_words_are_found(self, source: str, what: str, text: str) -> None:
        assert template(f"\n{source}\n") == [(2, what, text)]

    @pytest.mark.parametrize(
        "source",
        [
            '{% translate "Nothing yet" %}',
            "{% blocktranslate count n=n %}One {{ n }}{% plural %}Many{% endblocktranslate %}",
            '{% include "a.html" with title=_("No lists yet") kind="soft" name=user.name %}',
            '{% url "list_new" as new_url %}{{ day|date:"j F Y" }}',
            "{# A remark #}{% comment %}Another{% endcomment %}",
            "<code>make run</code><pre>curl</pre><script>let said = 1;</script>",
            '<p translate="no">Acme <b>Garden</b></p><p lang="de">Nichts</p>',
            "<p>{{ x }} – Heed · 3 × UTC</p>",
            '<button value="all" class="quiet">{{ x }}</button>',
            "{% block main_class %}frame narrow{% endblock %}",
            '{% include "a.html" with label="UUID" %}<h2>STOP</h2>',
        ],
    )
    def test_nothing_else_is(self, source: str) -> None:
        assert template(source) == []

    def test_in_a_mail_each_line_is_text(self) -> None:
        source = '{% load i18n %}Hello {{ name }},\n\n{% translate "You are invited." %}\n{{ url }}\nBye\n'
        assert template(source, MAIL) == [(1, "text", "Hello ,"), (5, "text", "Bye")]

    def test_a_word_that_english_alone_can_build_is_found(self) -> None:
        assert [what for _, what, _ in template("{{ n }} {{ n|pluralize }}")] == ["pluralize"]


class TestPython:
    @pytest.mark.parametrize(
        ("source", "what", "text"),
        [
            ('CharField(label="Name")', "label", "Name"),
            ('CharField(help_text="Two " "letters.")', "help_text", "Two letters."),
            ('messages.success(request, "Saved.")', "messages.success", "Saved."),
            ('messages.info(request, f"{x} is on.")', "messages.info", "f'{x} is on.'"),
            ('messages.error(request, "No such {}".format(x))', "messages.error", "No such {}"),
            ('ValidationError("Tick one.")', "ValidationError", "Tick one."),
            ('ValidationError({"name": "Tick one."})', "ValidationError", "Tick one."),
            ('form.add_error("name", "Tick one.")', "add_error", "Tick one."),
            ('CharField(error_messages={"required": "Say it."})', "error_messages", "Say it."),
            ('ChoiceField(choices=[("no", "Never")])', "choices", "Never"),
            ('class Way(TextChoices):\n    ON = "on", "At once"', "choice", "At once"),
        ],
    )
    def test_words_are_found(self, source: str, what: str, text: str) -> None:
        assert [each[1:] for each in python(source)] == [(what, text)]

    def test_a_constant_is_found_where_it_stands(self) -> None:
        assert python('_LAST = "The last one."\n\nform.add_error(None, _LAST)\n') == [
            (1, "add_error", "The last one.")
        ]

    @pytest.mark.parametrize(
        "source",
        [
            'CharField(label=_("Name"), widget=Text(attrs={"class": "wide"}))',
            'messages.success(request, _("%(name)s is on.") % {"name": name})',
            'messages.success(request, ngettext("%(n)d day.", "%(n)d days.", n) % {"n": n})',
            "messages.success(request, said)",
            'ValidationError(str(error), code="unknown")',
            'class Language(TextChoices):\n    DE = "de", "Deutsch"',
            'class Hash(TextChoices):\n    SHA256 = "sha256", "SHA-256"',
            'log.warning("Nothing came.")',
        ],
    )
    def test_nothing_else_is(self, source: str) -> None:
        assert python(source) == []
