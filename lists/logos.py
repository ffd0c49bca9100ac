"""The logo of a list, or of a realm for its lists without one: kept, taken away, read (pages.md, "Brand per list")."""

import base64
from dataclasses import dataclass
from functools import lru_cache

from django.db import transaction
from django.db.models import QuerySet

from lists.audit import record_audit
from lists.lookup import forget_all_lists, forget_list, on_forget_all
from lists.models import List, Logo, Realm, User
from lists.pictures import Picture, read_picture
from lists.prepared import fetch_prepared

_READ = "SELECT image, media_type, width, height FROM lists_logo WHERE id = %s"
_REMEMBERED = 200  # logos; 40 kB each at most


@dataclass(frozen=True, slots=True)
class LogoImage:
    """A logo as pages and mails show it; `data_uri` is the `src` of an `<img>` on a page, which makes no request of its own."""

    data_uri: str
    bytes: bytes
    media_type: str
    width: int
    height: int


def store_logo(
    realm: Realm, optout_list: List | None, upload: bytes | Picture, *, actor: User | None
) -> Logo:
    """Make this picture, or that of a file, the logo of that list; without a list, of its realm. The one before is gone.

    Raises lists.pictures.PictureError, whose text says why the picture is not taken.
    """
    # before the row is locked: it can take a second
    picture = upload if isinstance(upload, Picture) else read_picture(upload)
    with transaction.atomic():
        _lock(realm, optout_list)
        _logos(realm, optout_list).delete()
        logo = Logo.objects.create(
            realm=realm,
            optout_list=optout_list,
            image=picture.content,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
        )
        record_audit(
            "set_logo",
            actor=actor,
            realm=realm,
            optout_list=optout_list,
            width=picture.width,
            height=picture.height,
            size=len(picture.content),
        )
        _forget_afterwards(optout_list)
    return logo


@transaction.atomic
def remove_logo(realm: Realm, optout_list: List | None, *, actor: User | None) -> bool:
    """Take the list's own logo away, or without a list the realm's; whether there was one. A list then has its realm's."""
    _lock(realm, optout_list)
    removed, _rows = _logos(realm, optout_list).delete()
    if removed:
        record_audit("remove_logo", actor=actor, realm=realm, optout_list=optout_list)
        _forget_afterwards(optout_list)
    return bool(removed)


def read_logo(logo_id: int | None) -> LogoImage | None:
    """The logo with that id (ListSnapshot.logo_id), or None. A row never changes: whoever read it once need not ask again."""
    if logo_id is None:
        return None
    try:
        return _read(logo_id)
    except LookupError:  # taken away a moment ago
        return None


def to_show(picture: Picture) -> LogoImage:
    """A picture that is not kept yet, as the logo that it would be."""
    data_uri = f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
    return LogoImage(data_uri, picture.content, picture.media_type, picture.width, picture.height)


def find_logo(realm: Realm, optout_list: List | None) -> int | None:
    """The id of the list's own logo; without a list, of the realm's. None without one."""
    return _logos(realm, optout_list).values_list("pk", flat=True).first()


@lru_cache(maxsize=_REMEMBERED)
def _read(logo_id: int) -> LogoImage:
    rows = fetch_prepared(_READ, (logo_id,))
    if not rows:
        raise LookupError
    image, media_type, width, height = rows[0]
    return to_show(Picture(bytes(image), media_type, width, height))


on_forget_all(_read.cache_clear)


def _logos(realm: Realm, optout_list: List | None) -> QuerySet[Logo]:
    return Logo.objects.filter(realm=realm, optout_list=optout_list)


def _lock(realm: Realm, optout_list: List | None) -> None:
    """One after the other: two who set a logo at once must not both delete, and then both insert.

    Only the row whose logo it is. Whoever edits a page has locked that one already; who gives a list another number locks the
    realm and then the list, and would wait for them as they for him.
    """
    if optout_list is None:
        Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)
    else:
        List.objects.select_for_update(no_key=True, of=("self",)).get(pk=optout_list.pk)


def _forget_afterwards(optout_list: List | None) -> None:
    if optout_list is None:
        transaction.on_commit(forget_all_lists)
    else:
        transaction.on_commit(lambda: forget_list(optout_list))
