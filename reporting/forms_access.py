"""What owners type when they let somebody download a list."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lists.models import Membership


class MemberField(forms.ChoiceField):
    """One of the members given, called by name and address; cleaned to the Membership, or None."""

    def __init__(self, *, empty_label: str | Promise = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.empty_label = empty_label
        self.members: dict[str, Membership] = {}

    def offer(self, members: Iterable[Membership]) -> None:
        """Set whom one can choose from. Their users are read already."""
        self.members = {str(member.pk): member for member in members}
        named = [(key, _name(member)) for key, member in self.members.items()]
        self.choices = [("", self.empty_label), *named]

    def clean(self, value: Any) -> Membership | None:
        chosen: str = super().clean(value)
        return self.members.get(chosen)


def _name(member: Membership) -> str:
    user = member.user
    return f"{user.name} ({user.email})" if user.name else user.email


class KeyForm(forms.Form):
    """A new download key."""

    label = forms.CharField(
        label=_("Label"),
        max_length=100,
        help_text=_("Who or what will use it, such as “Nightly job of Northmail”."),
        error_messages={"required": _("Say who or what will use it.")},
    )
    membership = MemberField(
        label=_("Mailer"),
        required=False,
        empty_label=_("Nobody in particular (a script)"),
        help_text=_("The key stops when the list is taken from this mailer."),
    )
    may_see_clear = forms.BooleanField(
        label=_("May download clear addresses"),
        required=False,
        help_text=_(
            "Otherwise hashes only. Needs “allow downloads with clear addresses” in the list’s settings."
        ),
    )

    def __init__(self, mailers: Iterable[Membership], *args: Any, **kwargs: Any) -> None:
        """`mailers`: those who have the list."""
        super().__init__(*args, **kwargs)
        cast("MemberField", self.fields["membership"]).offer(mailers)


class GiveListForm(forms.Form):
    """A mailer who shall have the list."""

    membership = MemberField(
        label=_("Mailer"),
        empty_label=_("Choose a mailer"),
        error_messages={
            "required": _("Choose a mailer."),
            "invalid_choice": _("This mailer has the list already, or is not in the realm."),
        },
    )
    may_download = forms.BooleanField(
        label=_("May download and scrub"), required=False, initial=True
    )
    may_see_clear = forms.BooleanField(label=_("May see clear addresses"), required=False)

    def __init__(self, others: Iterable[Membership], *args: Any, **kwargs: Any) -> None:
        """`others`: the realm's mailers who do not have the list."""
        super().__init__(*args, **kwargs)
        cast("MemberField", self.fields["membership"]).offer(others)


class InviteMailerForm(forms.Form):
    """A mailer who has no login yet."""

    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        help_text=_("They get a mail with a link to set a password, and see this list only."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Enter the mailer’s email address.")},
    )
    may_download = forms.BooleanField(
        label=_("May download and scrub"), required=False, initial=True
    )
    may_see_clear = forms.BooleanField(label=_("May see clear addresses"), required=False)
