"""A realm's Global Unsubscribe in words and as JSON, for the command that sets it up."""

from datetime import datetime
from typing import Any

from lists.models import Product, Publisher, Realm, StoredForm
from reporting.global_setup.state import read_door, requests_lately


def describe(realm: Realm, now: datetime) -> tuple[dict[str, Any], list[str]]:
    """All of it, as JSON and as lines."""
    door = read_door(realm)
    requests = requests_lately(realm, now)
    products = Product.objects.filter(realm=realm).select_related("optout_list")
    publishers = Publisher.objects.filter(realm=realm)
    forms = StoredForm.objects.filter(realm=realm).select_related("publisher", "product")
    server_ips = door.row.server_ips if door.row else []
    lines = [
        f"Unsubscribe API & Reporting is {'on' if door.is_on else 'off'} for the realm {realm.name}.",
        f"Address: {door.url or 'made when it is switched on'}",
        *([f"By key: {door.key_url}"] if door.key_url else []),
        f"Host names: {', '.join(door.hosts) or 'none'}",
        f"Publishers’ servers: {', '.join(server_ips) or 'none'}",
        f"Requests in 7 days: {requests}",
        *(f"Product {product_line(each)}" for each in products),
        *(f"Publisher {each.reference}: {each.name}" for each in publishers),
        *(f"Form {form_line(each)}" for each in forms),
    ]
    result = {
        "realm": realm.name,
        "is_on": door.is_on,
        "url": door.url,
        "key_url": door.key_url,
        "hosts": door.hosts,
        "server_ips": server_ips,
        "requests_in_7_days": requests,
        "products": [product_json(each) for each in products],
        "publishers": [publisher_json(each) for each in publishers],
        "forms": [form_json(each) for each in forms],
    }
    return result, lines


def product_line(product: Product) -> str:
    target = product.optout_list
    where = f"list {target.number}, {target.name}" if target else "Do Not Mail"
    return f"{product.number}: {product.name}, to {where}{_state(product)}"


def form_line(form: StoredForm) -> str:
    product = f", product {form.product.number}" if form.product else ""
    website = f", {form.website}" if form.website else ""
    labels = "".join(f", {name} is “{label}”" for name, label in form.labels.items())
    shown = f"{form.publisher.reference}{product}{website}, asks for {', '.join(form.fields)}"
    return f"{form.uuid}: {form.name}, {shown}{labels}{_state(form)}"


def _state(row: Product | StoredForm) -> str:
    return "" if row.is_active else " (not active)"


def product_json(product: Product) -> dict[str, Any]:
    number = product.optout_list.number if product.optout_list else 0
    values = {"number": product.number, "name": product.name}
    return {**values, "list": number, "is_active": product.is_active}


def publisher_json(publisher: Publisher) -> dict[str, Any]:
    return {"reference": publisher.reference, "name": publisher.name}


def form_json(form: StoredForm) -> dict[str, Any]:
    names = ("name", "website", "fields", "labels", "is_active")
    return {
        "uuid": str(form.uuid),
        "publisher": form.publisher.reference,
        "product": form.product.number if form.product else 0,
        **{name: getattr(form, name) for name in names},
    }
