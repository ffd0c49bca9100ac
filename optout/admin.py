"""/ops/ for what recipients do: how much waits and why, without addresses. Ledger and suppressions are not shown here."""

from django.contrib import admin

from lists.admin import ReadOnly
from optout.models import QuarantinedOptOut


@admin.register(QuarantinedOptOut)
class QuarantinedOptOutAdmin(ReadOnly):
    list_display = ("id", "optout_list", "cause", "channel", "requests", "refused_at", "verdict")
    list_filter = ("verdict", "cause")
    list_select_related = ("optout_list",)
    fields = (
        "optout_list",
        "medium",
        "channel",
        "assurance",
        "cause",
        "ip",
        "agent",
        "requests",
        "refused_at",
        "last_refused_at",
        "verdict",
        "decided_at",
        "decided_by",
    )
