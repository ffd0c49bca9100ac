"""The REST API, put together: routers of the channel, which write and look up, and of `reporting`, which read."""

from typing import cast

from django.http import Http404
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.main import ExcHandler
from ninja.operation import Operation

from optout.channels.rest import contacts, lifting, lookups, suppressions
from optout.channels.rest.bodies import StrictParser
from optout.channels.rest.door import KeyAuth, answer_error
from optout.channels.rest.queries import with_known_query
from reporting.rest import (
    changes,
    do_not_mail,
    list_contacts,
    lists,
    opt_outs,
    text_messages,
    webhooks,
)


class RestApi(NinjaAPI):
    """Operations are known by the names of their functions: `add_suppressions`."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = RestApi(
    title="Heed",
    version="1",
    description="Opt-outs and suppressions, for programs.",
    auth=KeyAuth(),
    parser=StrictParser(),
    docs_url=None,
    openapi_url=None,  # ours says more: reporting/rest/openapi.py
    urls_namespace="rest",
)
api.add_decorator(with_known_query, mode="operation")
for each in (
    lists,
    list_contacts,
    suppressions,
    lifting,
    lookups,
    opt_outs,
    changes,
    do_not_mail,
    contacts,
    webhooks,
    text_messages,
):
    api.add_router("", each.router)


for kind in (
    Exception,
    Http404,
    HttpError,
    ValidationError,
):  # Ninja has answers of its own for these
    api.add_exception_handler(kind, cast("ExcHandler[Exception]", answer_error))
