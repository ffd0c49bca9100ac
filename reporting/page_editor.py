"""Editing what recipients see of a list, or of a realm: what was typed and not yet saved travels in the form, in every language.

So nobody loses words by looking at another language, with JavaScript or without, and nothing is public before it is saved.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.datastructures import MultiValueDict

from lists.actions import change_list, change_realm
from lists.choices import Language
from lists.default_texts import COLUMNS
from lists.logos import find_logo, remove_logo, store_logo
from lists.lookup import ListSnapshot
from lists.models import List, Realm, User
from lists.pictures import MOST_UPLOADED, Picture, PictureError, read_picture
from reporting.forms_page import BrandForm, TextsForm, brand_of
from reporting.page_texts import (
    Drafts,
    changed_drafts,
    default_language,
    in_other_default,
    read_texts,
    sound_drafts,
    with_texts,
)

_LONGEST_DRAFT = 200_000  # characters: 13 languages, and all their texts full


@dataclass(frozen=True, slots=True)
class Page:
    """The editor as it is shown: a language's texts, what holds for all, and what of it is not saved."""

    texts: TextsForm
    brand: BrandForm
    drafts: Drafts  # of every language that is not saved
    logo: Picture | None = None  # not saved
    elsewhere: Sequence[TextsForm] = ()  # with mistakes, in languages that are not shown

    @property
    def language(self) -> str:
        return self.texts.language

    @property
    def others(self) -> str:
        """The unsaved texts of the languages that are not shown, as they travel in the form."""
        kept = {code: texts for code, texts in self.drafts.items() if code != self.language}
        return json.dumps(kept, ensure_ascii=False) if kept else ""

    @property
    def kept_logo(self) -> str:
        """The unsaved logo, as it travels in the form: a browser sends a chosen file only once."""
        return base64.b64encode(self.logo.content).decode() if self.logo else ""


def saved_page(subject: List | Realm, language: str) -> Page:
    """The editor as it is opened."""
    texts = TextsForm(subject, language, initial=read_texts(subject, language))
    return Page(texts, BrandForm(subject, initial=brand_of(subject)), {})


def known_language(subject: List | Realm, code: str) -> str:
    """That language, if there is it, else the default one."""
    return code if code in Language.values else default_language(subject)


class Sent:
    """What the editor's form sent, judged."""

    def __init__(
        self,
        subject: List | Realm,
        data: Mapping[str, str],
        files: "MultiValueDict[str, UploadedFile[Any]]",
    ) -> None:
        self.subject = subject
        language = known_language(subject, data.get("language", ""))
        self.texts = TextsForm(subject, language, data)
        self.brand = BrandForm(subject, data, files)
        drafts = sound_drafts(subject, _read_json(data.get("draft", "")))
        drafts[language] = self.texts.typed()
        self.drafts = changed_drafts(subject, drafts)
        self.brand.full_clean()
        self.logo = self.brand.cleaned_data.get("logo") or _read_logo(data.get("kept_logo", ""))

    @property
    def removes_logo(self) -> bool:
        """Whether the logo that there is is to go. One that was sent along comes all the same."""
        return bool(self.brand.cleaned_data.get("remove_logo"))

    def page(self, language: str = "") -> Page:
        """The form once more, without judgement: in another language, if one is given, with what was typed in it before."""
        code = known_language(self.subject, language or self.texts.language)
        typed = self.drafts.get(code) or read_texts(self.subject, code)
        brand = BrandForm(self.subject, initial=self.brand.typed())
        if "logo" in self.brand.errors:  # a file is not there a second time to be judged
            brand = self.brand
        texts = TextsForm(self.subject, code, initial=dict(typed))
        return Page(texts, brand, self.drafts, self.logo)

    def refused(self, language: str = "") -> Page | None:
        """The form with all that is wrong with it; None where nothing is.

        It shows that language, else the one that was shown, if something is wrong in it, else the first in which something is.
        """
        own = self.texts.language
        judged = [self.texts]
        judged += [self._judge(code, said) for code, said in self.drafts.items() if code != own]
        wrong = {texts.language: texts for texts in judged if not texts.is_valid()}
        if not wrong and self.brand.is_valid():
            return None
        shown = wrong.pop(language, None) or wrong.pop(own, None)
        if shown is None:
            shown = wrong.pop(next(iter(wrong))) if wrong else self.texts
        return Page(shown, self.brand, self.drafts, self.logo, tuple(wrong.values()))

    def save(self, actor: User | None) -> bool:
        """Change the list or realm as a form that is not refused says; whether anything is new.

        The row is read again under a lock: what others wrote meanwhile in other languages stays.
        """
        written = {}
        for code, typed in self.drafts.items():
            texts = self._judge(code, typed)
            texts.full_clean()
            written[code] = texts.written()
        with transaction.atomic():
            changed = self._change(written, actor)
            return self._set_logo(actor) or changed

    def values(self) -> dict[str, Any]:
        """{field: value} as it would be: for the preview, with mistakes left out."""
        values = with_texts(self.subject, self.drafts)
        if not values.get("name", " "):
            del values["name"]
        values |= self.brand.values()
        if isinstance(self.subject, List) and "default_language" in values:
            return in_other_default(self.subject, values, values["default_language"])
        return values

    def _judge(self, language: str, typed: Mapping[str, str]) -> TextsForm:
        return TextsForm(
            self.subject, language, {f"text-{kind}": text for kind, text in typed.items()}
        )

    def _change(self, written: Drafts, actor: User | None) -> bool:
        brand = self.brand.values()
        # Of a list the realm first: as elsewhere, and because its default language may be the list's.
        realm_id = self.subject.realm_id if isinstance(self.subject, List) else self.subject.pk
        realm = Realm.objects.select_for_update(no_key=True).get(pk=realm_id)
        if isinstance(self.subject, Realm):
            return bool(change_realm(realm, with_texts(realm, written) | brand, actor=actor))
        fresh = (
            List.objects.select_related("realm")
            .select_for_update(no_key=True, of=("self",))
            .get(pk=self.subject.pk)
        )
        values = with_texts(fresh, written) | brand
        values = in_other_default(fresh, values, brand["default_language"])
        return bool(change_list(fresh, values, actor=actor))

    def _set_logo(self, actor: User | None) -> bool:
        realm = self.subject.realm if isinstance(self.subject, List) else self.subject
        optout_list = self.subject if isinstance(self.subject, List) else None
        if self.logo is not None:
            store_logo(realm, optout_list, self.logo, actor=actor)
            return True
        if self.removes_logo:
            return remove_logo(realm, optout_list, actor=actor)
        return False


def previewed(
    shown: ListSnapshot, subject: List, values: Mapping[str, Any], *, has_own_logo: bool
) -> ListSnapshot:
    """The list as readers would see it with these values: its own, else its realm's, as lists/lookup.py joins them."""
    realm = subject.realm

    def of(name: str) -> Any:
        return values.get(name, getattr(subject, name))

    kinds = realm.own_texts.keys() | of("own_texts").keys()
    return replace(
        shown,
        name=of("name"),
        description=of("description"),
        frequency=of("frequency"),
        own_texts={
            kind: realm.own_texts.get(kind, {}) | of("own_texts").get(kind, {}) for kind in kinds
        },
        thank_you_texts=realm.thank_you_texts | of("thank_you_texts"),
        reasons=of("reasons") or realm.reasons,
        sender=of("sender_name") or realm.sender_name,
        colour=of("colour") or realm.colour,
        contact=of("contact") or realm.support_address,
        privacy_url=of("privacy_url") or realm.privacy_url,
        default_language=of("default_language") or realm.default_language,
        locked_language=of("locked_language"),
        asks_reason=of("asks_reason"),
        logo_id=shown.logo_id if has_own_logo else find_logo(realm, None),
    )


def previewed_realm(
    shown: ListSnapshot, realm: Realm, values: Mapping[str, Any], *, has_logo: bool
) -> ListSnapshot:
    """A list of the realm as readers would see it if nothing were its own but its name, description and frequency."""

    def of(name: str) -> Any:
        return values.get(name, getattr(realm, name))

    of_lists = {kind: texts for kind, texts in shown.own_texts.items() if kind in COLUMNS}
    return replace(
        shown,
        own_texts=of_lists | of("own_texts"),
        thank_you_texts=of("thank_you_texts"),
        reasons=of("reasons"),
        sender=realm.sender_name,
        colour=of("colour"),
        contact=of("support_address"),
        privacy_url=of("privacy_url"),
        logo_id=find_logo(realm, None) if has_logo else None,
    )


def _read_json(text: str) -> Any:
    try:
        return json.loads(text) if 0 < len(text) < _LONGEST_DRAFT else {}
    except (ValueError, RecursionError):
        return {}


def _read_logo(text: str) -> Picture | None:
    """The logo that travelled in the form: read as if it were new, for it can be anything."""
    if not 0 < len(text) < MOST_UPLOADED:
        return None
    try:
        return read_picture(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, PictureError):
        return None
