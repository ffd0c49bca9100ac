"""Below /ws/customers/ (v1) and /v2/. A slash at the end does no harm."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, re_path

from reporting.contacts_http import door, v1, v2


def _v1(path: str, view: Callable[..., HttpResponseBase]) -> URLPattern:
    return re_path(rf"^ws/customers/(?P<user>[^/]+)/{path}/?\Z", view)


def _v2(path: str, view: Callable[..., HttpResponseBase]) -> URLPattern:
    return re_path(rf"^v2/{path}/?\Z", view)


_LIST = r"lists/(?P<list_id>[^/]+)"
_CONTACT = r"contacts/(?P<contact_id>[^/]+)"

urlpatterns = [
    _v1("lists", v1.lists),
    _v1(_LIST, v1.one_list),
    _v1(f"{_LIST}/members", v1.members),
    _v1("contacts", v1.contacts),
    _v1(_CONTACT, v1.one_contact),
    re_path(r"^ws(?:/|\Z)", v1.nothing),
    _v2("lists", v2.lists),
    _v2(_LIST, v2.one_list),
    _v2(f"{_LIST}/contacts", v2.members),
    _v2("contacts", v2.contacts),
    _v2(_CONTACT, v2.one_contact),
    _v2(f"{_CONTACT}/lists", v2.contact_lists),
    _v2(rf"{_CONTACT}/{_LIST}", v2.contact_list),
    re_path(r"^v2(?:/|\Z)", v2.nothing),
]


def outage(request: HttpRequest) -> HttpResponse:
    """503 as whichever of the two says it."""
    is_v1 = request.path_info.startswith("/ws/")
    return door.outage(v1.refuse if is_v1 else v2.refuse)
