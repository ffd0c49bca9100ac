"""Below /api/v1/, and the two shapes of contacts over HTTP. Answered by `RecipientsFirst`, without the portal's middleware."""

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from optout.channels.rest.door import broken_address, rest_view
from optout.channels.rest.plain_lookup import with_plain_lookup
from reporting.contacts_http import urls as contacts_http
from reporting.rest.api import api
from reporting.rest.docs import docs_page, openapi_json, webhooks_page


def _dressed(urls: tuple[list[Any], str, str]) -> tuple[list[Any], str]:
    """Ninja's views as REST views."""
    patterns, app_name, _namespace = urls
    for pattern in patterns:
        view = pattern.callback
        if str(pattern.pattern) == "lookup":
            view = with_plain_lookup(view)
        pattern.callback = rest_view(view)
    return patterns, app_name


urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/docs", rest_view(docs_page), name="rest_docs"),
    path("api/v1/docs/webhooks", rest_view(webhooks_page), name="rest_docs_webhooks"),
    path("api/v1/openapi.json", rest_view(openapi_json), name="rest_openapi"),
    path("api/v1/", include(_dressed(api.urls), namespace="rest")),
    *contacts_http.urlpatterns,
    re_path(r"^api(?:/|\Z)", rest_view(broken_address)),
]
