"""Products, publishers and stored forms from a shell: what is there is changed, else it is made, as the portal's forms allow."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.forms import Form

from lists.global_actions import (
    change_form,
    change_product,
    change_publisher,
    make_form,
    make_product,
    make_publisher,
    require_usable_fields,
)
from lists.global_unsubscribe import EMAIL, PHONE
from lists.models import List, Product, Publisher, Realm, StoredForm
from reporting.global_setup.forms import ProductForm, PublisherForm
from reporting.global_setup.stored_form import StoredFormForm, UuidField

type Options = Mapping[str, Any]


class RefusedError(Exception):
    """These values cannot be kept; `str(error)` says why, in a line for each."""


def put_product(realm: Realm, options: Options) -> Product:
    """The product of `number` with `name`, `list` (its number), `is_active`, where given."""
    there = Product.objects.filter(realm=realm, number=options["number"]).first()
    data = {
        "number": options["number"],
        "name": options["name"] or (there.name if there else ""),
        "optout_list": _list_key(realm, options["list"], there),
        "is_active": _is_active(there, options),
    }
    lists = List.objects.filter(realm=realm)
    values = _valid(ProductForm(data, lists=lists, product=there)).values()
    if there is None:
        there = make_product(realm, values, actor=None)
        _keep_active(there, options, change_product)
    else:
        change_product(there, values, actor=None)
    return there


def put_publisher(realm: Realm, options: Options) -> Publisher:
    """The publisher of `reference` with `name`."""
    there = Publisher.objects.filter(realm=realm, reference=options["reference"]).first()
    data = {"reference": options["reference"], "name": options["name"]}
    values = _valid(PublisherForm(data, publisher=there)).values()
    if there is None:
        there = make_publisher(realm, values, actor=None)
    else:
        change_publisher(there, values, actor=None)
    return there


def put_form(realm: Realm, options: Options) -> StoredForm:
    """The form of `uuid`, with `name`, `publisher` (its reference), `product` (its number), `website`, `fields`, `label`,
    `is_active`, where given. Without a `uuid` it is the one of that name, of that publisher if one is given; else a new one.
    """
    own_uuid = UuidField(required=False).clean(options["uuid"])
    forms = StoredForm.objects.filter(realm=realm).select_related("publisher", "product")
    there = forms.filter(uuid=own_uuid).first() if own_uuid else _of_that_name(forms, options)
    form = StoredFormForm(
        _form_data(realm, there, options),
        publishers=Publisher.objects.filter(realm=realm),
        products=Product.objects.filter(realm=realm),
        stored=there,
    )
    values = _valid(form).values()
    if there is None:
        there = make_form(realm, values, actor=None)
        _keep_active(there, options, change_form)
    else:
        change_form(there, values, actor=None)
    return there


def _of_that_name(forms: QuerySet[StoredForm], options: Options) -> StoredForm | None:
    found = forms.filter(name=options["name"] or "")
    if options["publisher"] is not None:
        found = found.filter(publisher__reference=options["publisher"])
    first, *more = [*found[:2], None]
    if len(more) > 1:
        raise RefusedError(
            f"More than one form is called “{options['name']}”. Say which by --uuid."
        )
    return first


def _form_data(realm: Realm, there: StoredForm | None, options: Options) -> dict[str, object]:
    """What the portal's form would send: what is there, with what the options say instead."""
    fields = there.fields if there else [EMAIL, PHONE]
    if options["fields"] is not None:
        fields = [each.strip() for each in options["fields"].split(",") if each.strip()]
    labels = dict(there.labels if there else {})
    for text in options["label"]:
        name, _, labels[name] = text.partition("=")
    require_usable_fields(fields, labels)
    return {
        "name": options["name"] or (there.name if there else ""),
        "publisher": _publisher_key(realm, options["publisher"], there),
        "product": _product_key(realm, options["product"], there),
        "website": _or(options["website"], there.website if there else ""),
        "is_active": _is_active(there, options),
        "own_uuid": options["uuid"],
        **{f"place_{name}": str(number) for number, name in enumerate(fields, start=1)},
        **{f"label_{name}": label for name, label in labels.items()},
    }


def _valid[Checked: Form](form: Checked) -> Checked:
    if not form.is_valid():
        errors = [
            f"{form.fields[name].label}: {error}" if name in form.fields else str(error)
            for name, errors in form.errors.items()
            for error in errors
        ]
        raise RefusedError("\n".join(errors))
    return form


def _or(given: str | None, kept: str) -> str:
    return kept if given is None else given


def _is_active(there: Product | StoredForm | None, options: Options) -> bool:
    if options["is_active"] is not None:
        return bool(options["is_active"])
    return there is None or there.is_active


def _keep_active(made: Any, options: Options, change: Callable[..., list[str]]) -> None:
    """What is made is active; the form for new ones has no box for it."""
    if options["is_active"] is False:
        change(made, {"is_active": False}, actor=None)


def _list_key(realm: Realm, number: int | None, there: Product | None) -> int:
    if number is None and there and there.optout_list_id:
        return there.optout_list_id
    found = List.objects.filter(realm=realm, number=number or 0).first()
    if found is None:
        raise RefusedError(f"The realm has no list {number}.")
    return found.pk


def _publisher_key(realm: Realm, reference: str | None, there: StoredForm | None) -> int | None:
    if reference is None:
        return there.publisher_id if there else None
    found = Publisher.objects.filter(realm=realm, reference=reference).first()
    if found is None:
        raise RefusedError(f"The realm has no publisher {reference}.")
    return found.pk


def _product_key(realm: Realm, number: int | None, there: StoredForm | None) -> int | None:
    if number is None:
        return there.product_id if there else None
    found = Product.objects.filter(realm=realm, number=number).first()
    if found is None and number:
        raise RefusedError(f"The realm has no product {number}.")
    return found.pk if found else None
