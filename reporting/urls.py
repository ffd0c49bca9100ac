from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from reporting.views.download import download, portal_download
from reporting.views.lists import lists
from reporting.views.overview import overview

urlpatterns: list[URLPattern] = [
    re_path(r"^d/(?P<public_id>[0-9A-Za-z_-]{1,32})\Z", download, name="download"),
    path("manage/lists/<public_id>/download", portal_download, name="portal_download"),
    path("manage", RedirectView.as_view(pattern_name="overview")),
    path("manage/", overview, name="overview"),
    path("manage/lists/", lists, name="lists"),
]
