"""What a realm sets up for its Global Unsubscribe: the switch, host names, servers, products, publishers, stored forms.

By a realm admin in the portal, or by an operator in a shell: the actor is None then. Each change is written to the audit in the
same transaction, without names and references, in which somebody's address may stand. All raise ValidationError for values that
cannot be kept.
"""

import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from lists.actions import free_number
from lists.audit import record_audit
from lists.global_unsubscribe import (
    CUSTOM_FIELDS,
    EMAIL,
    FIELDS,
    LARGEST_PRODUCT,
    LONGEST_LABEL,
    PHONE,
    forget_doors,
)
from lists.models import (
    GlobalUnsubscribe,
    List,
    Product,
    Publisher,
    Realm,
    StoredForm,
    User,
)
from lists.realm_hosts import claim_own_host, hosts_of, own_host, set_hosts

MOST = 1_000  # products of a realm, and publishers, and forms
NOT_DEFINED = "NOT DEFINED"  # how the report shows that nothing was given (S1.19)

_QUIET = frozenset({"name", "website", "labels"})


class SetUpError(Exception):
    """The set-up cannot be changed so; `str(error)` says why."""


class NotSwitchedOnError(SetUpError):
    """There is nothing yet that servers or hosts could belong to."""

    def __init__(self) -> None:
        super().__init__(_("It was never on. Switch it on first."))


class TooManyError(SetUpError):
    """The realm has MOST of these already."""

    def __init__(self, sentence: str) -> None:
        """`sentence` says what there can be at most `%(most)s` of."""
        super().__init__(sentence % {"most": f"{MOST:,}"})


class ProductNumberTakenError(SetUpError):
    """Another product of the realm, the `holder`, has that number."""

    def __init__(self, holder: Product) -> None:
        said = _("The product “%(name)s” has the number %(number)d already.")
        super().__init__(said % {"name": holder.name, "number": holder.number})
        self.holder = holder


class ReferenceTakenError(SetUpError):
    """Another publisher of the realm, the `holder`, has that reference."""

    def __init__(self, holder: Publisher) -> None:
        said = _("The publisher “%(name)s” has the ID “%(id)s” already.")
        super().__init__(said % {"name": holder.name, "id": holder.reference})
        self.holder = holder


class UuidTakenError(SetUpError):
    """Another form of the realm, the `holder`, has that UUID."""

    def __init__(self, holder: StoredForm) -> None:
        said = _("The form “%(name)s” has this UUID already.")
        super().__init__(said % {"name": holder.name})
        self.holder = holder


# ── The door ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def change_global_unsubscribe(
    realm: Realm, values: Mapping[str, Any], *, actor: User | None
) -> list[str]:
    """Set `is_on`, `server_ips` (canonical networks), `hosts` (as parse_hosts gives them), where given; the names of those that
    changed. Raises HostTakenError, NotSwitchedOnError.

    Switching on for the first time makes the key, and this installation's own host name may get its realm (`claim_own_host`).
    """
    _lock(realm)
    door = GlobalUnsubscribe.objects.filter(realm=realm).first()
    changed: dict[str, Any] = {}
    if door is None:
        if not values.get("is_on"):
            if values.get("server_ips") or values.get("hosts"):
                raise NotSwitchedOnError
            return []
        changed = _claim_own_host(realm)
        door = GlobalUnsubscribe(realm=realm)
        door.save(force_insert=True)
    changed |= _set(
        door, {name: values[name] for name in ("is_on", "server_ips") if name in values}
    )
    if "hosts" in values:
        hosts = set_hosts(realm, values["hosts"], actor=actor)
        if hosts is not None:
            changed["hosts"] = hosts
    if changed:
        _record("change_global_unsubscribe", realm, actor, changes=changed)
    return list(changed)


def _claim_own_host(realm: Realm) -> dict[str, Any]:
    """What of it changed for this realm; for another one that gets the name it is written down there."""
    taker = claim_own_host(realm)
    if taker is None:
        return {}
    names = hosts_of(taker)
    changes = {"hosts": [[name for name in names if name != own_host()], names]}
    if taker == realm:
        return changes
    _record("change_global_unsubscribe", taker, None, changes=changes)
    return {}


# ── Products ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def make_product(realm: Realm, values: Mapping[str, Any], *, actor: User | None) -> Product:
    """Make a product of `number` (None or missing: the next free one), `name`, `optout_list` (None: Do Not Mail), `is_active`.

    The very same again is the product that is there: a form may be sent twice. Raises ProductNumberTakenError, TooManyError.
    """
    _lock(realm)
    values = _mapped(realm, values)
    if values.get("number") is None:
        values["number"] = next_product_number(realm)
    holder = Product.objects.filter(realm=realm, number=values["number"]).first()
    if holder is not None:
        if _is_same(holder, values):
            return holder
        raise ProductNumberTakenError(holder)
    product: Product = _make(
        Product, realm, values, _("A realm can have at most %(most)s products.")
    )
    _record("make_product", realm, actor, product=product.number, list=product.optout_list_id)
    return product


@transaction.atomic
def change_product(product: Product, values: Mapping[str, Any], *, actor: User | None) -> list[str]:
    """Set `name`, `optout_list` or `is_active`; the names of those that changed. The number stays: it stands in the report."""
    _lock(product.realm)
    product.refresh_from_db()
    values = _mapped(product.realm, values)
    changed = _set(product, _allowed(values, "name", "optout_list", "is_active"))
    if changed:
        _record("change_product", product.realm, actor, product=product.number, changes=changed)
    return list(changed)


def next_product_number(realm: Realm) -> int:
    """The number that the next product gets: the highest and one; where that is too large, the smallest free one."""
    return free_number(Product.objects.filter(realm=realm), LARGEST_PRODUCT)


# ── Publishers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def make_publisher(realm: Realm, values: Mapping[str, Any], *, actor: User | None) -> Publisher:
    """Make a publisher of `reference` and `name`; the very same again is the one that is there.

    Raises ReferenceTakenError, TooManyError.
    """
    _lock(realm)
    holder = Publisher.objects.filter(realm=realm, reference=values["reference"]).first()
    if holder is not None:
        if _is_same(holder, values):
            return holder
        raise ReferenceTakenError(holder)
    if " ".join(values["reference"].upper().split()) == NOT_DEFINED:
        said = _("“%(word)s” is what the report says of no ID.") % {"word": NOT_DEFINED}
        raise ValidationError({"reference": said})
    publisher: Publisher = _make(
        Publisher, realm, values, _("A realm can have at most %(most)s publishers.")
    )
    _record("make_publisher", realm, actor, publisher=publisher.pk)
    return publisher


@transaction.atomic
def change_publisher(
    publisher: Publisher, values: Mapping[str, Any], *, actor: User | None
) -> list[str]:
    """Set the `name`; what changed. The reference stays: it stands in the report."""
    _lock(publisher.realm)
    publisher.refresh_from_db()
    changed = _set(publisher, _allowed(values, "name"))
    if changed:
        _record("change_publisher", publisher.realm, actor, publisher=publisher.pk, changes=changed)
    return list(changed)


# ── Stored forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def make_form(realm: Realm, values: Mapping[str, Any], *, actor: User | None) -> StoredForm:
    """Make a form of `name`, `publisher`, `product`, `website`, `fields`, `labels`, `is_active`, and `uuid` (missing: a new one).

    The very same again is the one that is there. Raises UuidTakenError, TooManyError.
    """
    _lock(realm)
    values = _checked_form(realm, values)
    values.setdefault("uuid", uuid.uuid4())
    holder = StoredForm.objects.filter(realm=realm, uuid=values["uuid"]).first()
    if holder is not None:
        if _is_same(holder, values):
            return holder
        raise UuidTakenError(holder)
    form: StoredForm = _make(
        StoredForm, realm, values, _("A realm can have at most %(most)s forms.")
    )
    _record("make_form", realm, actor, form=str(form.uuid), publisher=form.publisher_id)
    return form


@transaction.atomic
def change_form(form: StoredForm, values: Mapping[str, Any], *, actor: User | None) -> list[str]:
    """Set fields of a form; the names of those that changed. The UUID stays: websites link to it."""
    _lock(form.realm)
    form.refresh_from_db()
    shown = {"fields": form.fields, "labels": form.labels}
    values = _checked_form(form.realm, {**shown, **values})
    names = ("name", "publisher", "product", "website", "fields", "labels", "is_active")
    changed = _set(form, _allowed(values, *names))
    if changed:
        _record("change_form", form.realm, actor, form=str(form.uuid), changes=changed)
    return list(changed)


def require_usable_fields(fields: Sequence[str], labels: Mapping[str, str]) -> None:
    """Raise ValidationError for fields that no form can ask for: unknown, repeated, no address, a custom one without a label."""
    if len(set(fields)) != len(fields) or not set(fields) <= set(FIELDS):
        said = _("Choose among %(names)s, each once.") % {"names": ", ".join(FIELDS)}
        raise ValidationError({"fields": said})
    if not {EMAIL, PHONE} & set(fields):
        raise ValidationError(
            {"fields": _("A form must ask for an email address or a phone number.")}
        )
    for name, label in labels.items():
        if name not in CUSTOM_FIELDS or len(label) > LONGEST_LABEL:
            said = _("Labels are for %(names)s, %(longest)d characters each.")
            words = {"names": ", ".join(CUSTOM_FIELDS), "longest": LONGEST_LABEL}
            raise ValidationError({"labels": said % words})
        _require_one_line("labels", label)
    for name in fields:
        if name in CUSTOM_FIELDS and not labels.get(name, "").strip():
            said = _("%(name)s needs a label, or it is not shown.") % {"name": name}
            raise ValidationError({"labels": said})


# ── What they share ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _lock(realm: Realm) -> None:
    """One change of a realm's set-up at a time: numbers are given, and limits hold, one by one."""
    Realm.objects.select_for_update(no_key=True).get(pk=realm.pk)


def _make[Row: (Product, Publisher, StoredForm)](
    model: type[Row], realm: Realm, values: Mapping[str, Any], too_many: str
) -> Row:
    if model.objects.filter(realm=realm).count() >= MOST:
        raise TooManyError(too_many)
    row = model(realm=realm, **values)
    _require_clean(row, values)
    row.save(force_insert=True)
    return row


def _set(row: models.Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set and save what differs; {field: [old, new]}, or {field: None} where the audit says no values."""
    changed: dict[str, Any] = {}
    for name, new in values.items():
        old = getattr(row, name)
        if old != new:
            changed[name] = None if name in _QUIET else [_told(old), _told(new)]
            setattr(row, name, new)
    if changed:
        _require_clean(row, changed)
        row.save(update_fields=list(changed))
    return changed


def _require_clean(row: models.Model, names: Mapping[str, Any]) -> None:
    row.clean_fields()
    for name in names:
        value = getattr(row, name)
        if isinstance(value, str):
            _require_one_line(name, value)


def _require_one_line(name: str, text: str) -> None:
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValidationError({name: _("Write this in one line, without control characters.")})


def _mapped(realm: Realm, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a product; its list is of the realm, and none for Do Not Mail."""
    optout_list: List | None = values.get("optout_list")
    if optout_list is None:
        return dict(values)
    _require_own(realm, optout_list)
    return {**values, "optout_list": None if optout_list.is_global else optout_list}


def _checked_form(realm: Realm, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form: publisher and product are of the realm, the fields can be asked for."""
    for name in ("publisher", "product"):
        if values.get(name) is not None:
            _require_own(realm, values[name])
    require_usable_fields(values["fields"], values.get("labels", {}))
    return {**values, "fields": list(values["fields"])}


def _require_own(realm: Realm, row: List | Publisher | Product) -> None:
    if row.realm_id != realm.pk:
        raise ValueError("It is of another realm.")


def _is_same(row: models.Model, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


def _allowed(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _told(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value


def _record(action: str, realm: Realm, actor: User | None, **detail: Any) -> None:
    record_audit(action, actor=actor, realm=realm, **detail)
    transaction.on_commit(forget_doors)
