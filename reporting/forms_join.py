"""What an owner sets on Contacts › Join My Mailing List (S2.2)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lists.choices import Accepts, Language
from lists.forms import keep_to_one_line
from lists.models import List


class JoinForm(forms.ModelForm):  # type: ignore[type-arg]
    """What people are offered of a list: its join form, its place on the preference page. `values()` of a valid one goes to
    change_list.

    A list of phone numbers alone has no join form: it confirms by mail.
    """

    class Meta:
        model = List
        fields = ("join_is_open", "shown_in_preferences", "frequency")
        labels = {
            "join_is_open": _("People can sign up by the join form"),
            "shown_in_preferences": _("Show this list on the preference page"),
            "frequency": _("How often it comes"),
        }
        help_texts = {
            "join_is_open": _(
                "Off: the form’s page says that one cannot sign up there, wherever you have put the link."
            ),
            "shown_in_preferences": _(
                "There people choose which of your lists they want. A list that is not shown stays private: only who opens the "
                "page by a link of this list sees it."
            ),
            "frequency": _(
                "Such as “about once a week”. People read it on the join form and on the preference page."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep_to_one_line(self)
        if self.instance.accepts == Accepts.PHONE:
            del self.fields["join_is_open"]

    def values(self) -> dict[str, Any]:
        """{field of the list: value}."""
        return {name: self.cleaned_data[name] for name in self.fields}


class SnippetForm(forms.Form):
    """In which language the form for a website is to be."""

    lang = forms.ChoiceField(label=_("Language"), choices=Language.choices, required=False)
