from django.urls import URLPattern, path
from django.views.generic import RedirectView

from reporting.views.lists import lists
from reporting.views.overview import overview

urlpatterns: list[URLPattern] = [
    path("manage", RedirectView.as_view(pattern_name="overview")),
    path("manage/", overview, name="overview"),
    path("manage/lists/", lists, name="lists"),
]
