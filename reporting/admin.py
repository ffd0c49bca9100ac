"""/ops/ for what we tell people: downloads, notices, and how far the feed has been read."""

from django.contrib import admin

from lists.admin import ReadOnly
from reporting.models import Download, FeedCursor, Notice


@admin.register(Download)
class DownloadAdmin(ReadOnly):
    list_display = ("started_at", "optout_list", "format", "outcome", "rows", "left_out", "ip")
    list_filter = ("format", "outcome")
    list_select_related = ("optout_list",)


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    list_display = ("raised_at", "optout_list", "kind", "subject", "mailed_at", "settled_at")
    list_filter = ("kind",)
    list_select_related = ("optout_list",)


@admin.register(FeedCursor)
class FeedCursorAdmin(ReadOnly):
    list_display = ("name", "xid", "last_id", "moved_at")
