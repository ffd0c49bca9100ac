import json
from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from lists.global_actions import SetUpError, change_global_unsubscribe
from lists.global_unsubscribe import FIELDS
from lists.models import Realm
from lists.networks import NetworksError, parse_networks
from lists.realm_command import check_options, find_realm
from lists.realm_hosts import HostsError, HostTakenError, hosts_of, parse_hosts
from reporting.global_setup.listing import (
    describe,
    form_json,
    form_line,
    product_json,
    product_line,
    publisher_json,
)
from reporting.global_setup.putting import RefusedError, put_form, put_product, put_publisher
from reporting.global_setup.state import requests_lately, say_requests

_REFUSALS = (HostTakenError, HostsError, NetworksError, RefusedError, SetUpError)


@dataclass(frozen=True, slots=True)
class Done:
    """What is printed: the result as JSON or as lines, and for people a remark beside it."""

    result: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    remark: str = ""


class Command(BaseCommand):
    """`global_unsubscribe REALM …`: what the portal does under Settings › Global, for operators and scripts.

    Results go to stdout, remarks to stderr. What is there already is changed, else it is made: a script may run twice. Exit
    codes: 0 when it was done, 1 when it was refused, 2 when the command was not understood.
    """

    help = (
        "A realm's Global Unsubscribe: show it; switch it on or off; set host names and publishers' servers; add or change "
        "products, publishers and stored forms."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("realm", metavar="REALM", help="the realm's name")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        for name, (run, says) in _ACTIONS.items():
            each = actions.add_parser(name, help=says, description=says)
            each.set_defaults(run=run)
            each.add_argument("--json", action="store_true", default=SUPPRESS)
            if name in _ARGUMENTS:
                _ARGUMENTS[name](each)

    def handle(self, *args: Any, **options: Any) -> None:
        check_options(options)
        realm = find_realm(options["realm"])
        run: Callable[..., Done] = options.get("run") or _show
        try:
            done = run(realm, options)
        except _REFUSALS as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(json.dumps(done.result) if options["json"] else "\n".join(done.lines))
        if done.remark:
            self.stderr.write(done.remark, style_func=str)


def _show(realm: Realm, _options: dict[str, Any]) -> Done:
    return Done(*describe(realm, timezone.now()))


# ── The door ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _on(realm: Realm, options: dict[str, Any]) -> Done:
    change_global_unsubscribe(realm, {"is_on": True}, actor=None)
    return _show(realm, options)


def _off(realm: Realm, options: dict[str, Any]) -> Done:
    change_global_unsubscribe(realm, {"is_on": False}, actor=None)
    requests = requests_lately(realm, timezone.now())
    remark = f"{say_requests(requests)}. The next ones are answered with 404."
    shown = _show(realm, options)
    return Done(shown.result, shown.lines, remark if requests else "")


def _set(realm: Realm, options: dict[str, Any]) -> Done:
    values: dict[str, Any] = {}
    added, removed = (parse_hosts(" ".join(options[name])) for name in ("host", "remove_host"))
    if added or removed:
        hosts = [*hosts_of(realm), *added]
        values["hosts"] = [host for host in hosts if host not in removed]
    if options["server_ips"] is not None:
        values["server_ips"] = parse_networks(options["server_ips"])
    if not values:
        raise CommandError("Say what to set: --host, --remove-host, --server-ips.", returncode=2)
    gone = [host for host in hosts_of(realm) if host not in values.get("hosts", [host])]
    change_global_unsubscribe(realm, values, actor=None)
    shown = _show(realm, options)
    requests = requests_lately(realm, timezone.now()) if gone else 0
    where = f"What is sent to {', '.join(gone)} may now reach another realm, or none."
    remark = f"{say_requests(requests)}, by whatever name. {where}"
    return Done(shown.result, shown.lines, remark if requests else "")


# ── Products, publishers, forms ──────────────────────────────────────────────────────────────────────────────────────────


def _product(realm: Realm, options: dict[str, Any]) -> Done:
    product = put_product(realm, options)
    return Done(product_json(product), [f"Product {product_line(product)}"])


def _publisher(realm: Realm, options: dict[str, Any]) -> Done:
    publisher = put_publisher(realm, options)
    return Done(publisher_json(publisher), [f"Publisher {publisher.reference}: {publisher.name}"])


def _form(realm: Realm, options: dict[str, Any]) -> Done:
    form = put_form(realm, options)
    return Done(form_json(form), [f"Form {form_line(form)}"])


# ── What can be said ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _set_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--host", action="append", default=[], help="a host name to add")
    parser.add_argument("--remove-host", action="append", default=[], help="one to give back")
    parser.add_argument(
        "--server-ips",
        metavar="IPS",
        help="all of the publishers' servers: IPs and networks, by comma; empty for none",
    )


def _product_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("number", metavar="NUMBER", type=int, help="the productId")
    parser.add_argument("name", metavar="NAME", nargs="?", help="needed for a new one")
    parser.add_argument("--list", type=int, help="the number of its list; 0 is Do Not Mail")
    _active_arguments(parser)


def _publisher_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REFERENCE", help="the pubID")
    parser.add_argument("name", metavar="NAME")


def _form_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="needed for a new one")
    parser.add_argument(
        "--uuid", default="", help="which one, if not by its name; or for a new one"
    )
    parser.add_argument("--publisher", metavar="REFERENCE", help="its pubID")
    parser.add_argument("--product", metavar="NUMBER", type=int, help="its productId; 0 for none")
    parser.add_argument("--website")
    parser.add_argument("--fields", help=f"in order, by comma: {','.join(FIELDS)}")
    parser.add_argument(
        "--label", action="append", default=[], metavar="FIELD=LABEL", help="customField1=Country"
    )
    _active_arguments(parser)


def _active_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--active",
        action=BooleanOptionalAction,
        dest="is_active",
        help="whether it counts as being in the system",
    )


_ACTIONS: dict[str, tuple[Callable[..., Done], str]] = {
    "show": (_show, "show everything; what happens without an action"),
    "on": (_on, "switch it on"),
    "off": (_off, "switch it off"),
    "set": (_set, "set host names and publishers' servers"),
    "product": (_product, "add a product, or change it"),
    "publisher": (_publisher, "add a publisher, or change it"),
    "form": (_form, "add a stored form, or change it"),
}
_ARGUMENTS: dict[str, Callable[[ArgumentParser], None]] = {
    "set": _set_arguments,
    "product": _product_arguments,
    "publisher": _publisher_arguments,
    "form": _form_arguments,
}
