from django.urls import URLPattern, path

from lists.views.realms import switch_realm

urlpatterns: list[URLPattern] = [
    path("manage/realm", switch_realm, name="switch_realm"),
]
