"""The door of the preference page."""

from django.http import HttpRequest, HttpResponse

from optout.channels import preferences
from optout.links import PREFERENCES
from optout.public import public
from optout.signed_visits import answer_signed


@public
def open_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """`/p/<token>`: what one recipient gets from a realm. A POST acts, if it is our form."""
    answer = preferences.record_form if request.method == "POST" else preferences.show
    return answer_signed(request, token, PREFERENCES, answer)
