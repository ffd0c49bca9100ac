"""What every public door has in common."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Concatenate

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from optout.replies import METHODS, not_allowed


def public[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A view for recipients and programs: GET, HEAD and POST only, no cookie in or out.

    Exempt from Django's CSRF check, which needs a cookie: one-click and servers have none, the form has a guard of its own
    (`optout.guard`), and the done page a token in its address. A test pins which views are exempt (AT-17).
    """

    return _door(view, METHODS)


def post_only[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """The same for programs that only hand something over: POST. What proves who they are is in the call itself."""
    return _door(view, ("POST",))


def _door[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase], methods: Collection[str]
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method not in methods:
            return not_allowed(methods)
        request.META.pop("CSRF_COOKIE_NEEDS_UPDATE", None)  # a spoilt cookie earns no new one
        return view(request, *args, **kwargs)

    return csrf_exempt(door)
