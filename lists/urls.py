from django.urls import URLPattern, path

from lists.views.front import front
from lists.views.realm_settings import settings
from lists.views.realms import switch_realm
from lists.views.team import team, team_invite, team_mail_again, team_member, team_remove

urlpatterns: list[URLPattern] = [
    path("", front, name="front"),
    path("manage/realm", switch_realm, name="switch_realm"),
    path("manage/settings/", settings, name="settings"),
    path("manage/team/", team, name="team"),
    path("manage/team/invite", team_invite, name="team_invite"),
    path("manage/team/<int:membership_id>", team_member, name="team_member"),
    path("manage/team/<int:membership_id>/remove", team_remove, name="team_remove"),
    path("manage/team/<int:membership_id>/mail", team_mail_again, name="team_mail_again"),
]
