"""The tag `{% translate %}` of all templates: Django's, but that a text is looked up once in each language.

Django makes a lazy text of it, then looks through two catalogs, whenever a page is rendered. The cells of a table have their
columns' names with them (style sheets show these on narrow screens), so a page has hundreds: they took a third of its time.
"""

from functools import cache

from django.template import Context, Library
from django.template.base import FilterExpression, Parser, Token, Variable
from django.templatetags import i18n
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

register = Library()  # in the place of Django's, also where a template says `{% load i18n %}`
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


class TextNode(i18n.TranslateNode):
    """A text that stands in the template itself, without filters and context: `{% translate "Save" %}`."""

    def __init__(self, text: str, asvar: str | None) -> None:
        self.text = text
        self.asvar = asvar

    def render(self, context: Context) -> SafeString:
        said = say(get_language(), self.text)
        if not self.asvar:
            return said
        context[self.asvar] = said
        return mark_safe("")


@cache  # as many as there are texts in templates and languages in use
def say(language: str | None, text: str) -> SafeString:
    """The text in that language, which is the active one. What stands in a template is safe, and so is what is said for it."""
    return mark_safe(gettext(text.replace("%", "%%")).replace("%%", "%"))  # noqa: S308


@register.tag("trans")
@register.tag("translate")
def translate(parser: Parser, token: Token) -> i18n.TranslateNode:
    """As Django's tag."""
    node = i18n.do_translate(parser, token)
    expression: FilterExpression = node.filter_expression
    text = expression.var.literal if isinstance(expression.var, Variable) else None
    if node.noop or node.message_context or expression.filters or not isinstance(text, str):
        return node
    return TextNode(text, node.asvar)
