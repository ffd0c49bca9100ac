"""Every address that Heed answers on."""

from django.contrib import admin
from django.urls import include, path

from config import views

urlpatterns = [
    path("", include("optout.urls")),  # /u/… /o/…
    path("", include("reporting.urls")),  # /d/… and the portal's screens about opt-outs
    path("", include("lists.urls")),  # the portal's screens where things are set up
    path("health/live", views.live, name="health_live"),
    path("health/ready", views.ready, name="health_ready"),
    path("manage/account/", include("allauth.urls")),
    path("ops/", admin.site.urls),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
