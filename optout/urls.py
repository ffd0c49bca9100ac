import re

from django.urls import path, re_path, register_converter

from optout import done, mail_views, preference_views, preview, views


class PublicId:
    """The public id of a list. Whatever else stands there never reaches the database."""

    regex = "[A-Za-z0-9]{8,32}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class ShortName(PublicId):
    """What stands in a short link, and what a messenger took with it: the full stop after the link, a bracket, a quote."""

    regex = rf"{PublicId.regex}(?:[^\w/]|_){{0,8}}"

    def to_python(self, value: str) -> str:
        return re.sub(r"[\W_]+\Z", "", value)


class Token:
    """The token of a signed link, likewise. It may itself end in a hyphen or an underscore."""

    regex = ".+"

    def to_python(self, value: str) -> str:
        return re.sub(r"[^\w-]+\Z", "", value)

    def to_url(self, value: str) -> str:
        return value


register_converter(PublicId, "public_id")
register_converter(ShortName, "short_name")
register_converter(Token, "token")

urlpatterns = [
    path("u/<public_id:public_id>", views.open_link, name="page"),
    path("u/<public_id:public_id>/", views.open_link),
    path("u/<public_id:public_id>.gif", views.open_pixel, name="pixel"),
    path("u/<public_id:public_id>/done", done.open_done, name="done"),
    path("u/<public_id:public_id>/preview", preview.open_preview, name="preview"),
    path("o/<token:token>", views.open_signed_link, name="signed_link"),
    path("s/<short_name:name>", views.open_short_link, name="short_link"),
    path("s/<short_name:name>/", views.open_short_link),
    # A token has no slash, and is longer than a list's name.
    path("j/<public_id:public_id>", mail_views.open_join, name="join"),
    path("j/<public_id:public_id>/", mail_views.open_join),
    path("j/<public_id:public_id>/sent", mail_views.open_join_sent, name="join_sent"),
    path("j/<token:token>/done", mail_views.open_join_done, name="join_done"),
    path("j/<token:token>", mail_views.open_join_link, name="join_link"),
    path("p/<public_id:public_id>", mail_views.open_ask, name="ask"),
    path("p/<public_id:public_id>/", mail_views.open_ask),
    path("p/<public_id:public_id>/sent", mail_views.open_ask_sent, name="ask_sent"),
    path("p/<token:token>", preference_views.open_preferences, name="preferences"),
    path("sms/<public_id:public_id>", views.receive_text, name="inbound_sms"),
    path("sms/<public_id:public_id>/", views.receive_text),
    re_path(r"^sms/", views.unknown_gateway),
    path("api_web", views.open_api_web, name="api_web"),
    re_path(r"^(?:bin/)?api_web/?\Z", views.open_api_web),
    # (URL)/unsubscribe/unsubscribe, where (URL) may end in /g/<the realm's key> (S1.8)
    re_path(
        rf"^(?:g/(?P<key>{PublicId.regex})/)?unsubscribe/unsubscribe/?\Z",
        views.open_global_unsubscribe,
        name="global_unsubscribe",
    ),
    re_path(
        rf"^(?:g/(?P<key>{PublicId.regex})/)?unsubscribe/done\Z",
        views.open_global_done,
        name="global_done",
    ),
    re_path(
        rf"^g/(?P<key>{PublicId.regex})/unsubscribe/preview\Z",
        views.open_global_preview,
        name="global_preview",
    ),
    re_path(r"^(?:[uosgpj]|unsubscribe)(?:/|$)", views.broken_link),
]
