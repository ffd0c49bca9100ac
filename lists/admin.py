"""/ops/: Django's admin, for operators only. Read-mostly: what owners set up is changed in the portal, where it is audited.

The two big tables cannot be seen here at all: the ledger is append-only, and addresses are looked up by "Check an address".
"""

from typing import Any

import allauth.mfa.admin  # noqa: F401 -- registers what is taken away below
import django.contrib.auth.admin  # noqa: F401
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from lists.actions import add_do_not_mail
from lists.default_texts import move_texts_of_lists
from lists.models import (
    AuditEntry,
    DownloadKey,
    GlobalUnsubscribe,
    List,
    ListAccess,
    Membership,
    Product,
    Publisher,
    Realm,
    RealmCredential,
    RealmHost,
    StoredForm,
    User,
)


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows; neither adds, changes nor deletes any."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False


def sign_in_first(
    request: HttpRequest, extra_context: dict[str, Any] | None = None
) -> HttpResponse:
    """/ops/login/: the portal's sign-in with its limits and second factor; for anybody else there is nothing here."""
    if request.user.is_authenticated:
        raise Http404
    return redirect_to_login(request.GET.get("next", "/ops/"))


admin.site.login = sign_in_first  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Heed operations"
admin.site.index_title = "Installation"
admin.site.site_url = "/manage/"
# Roles are memberships, not groups; second factors hold secrets.
admin.site.unregister([Group, Authenticator])


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """People. A password is set by its owner: new ones ask for it by "Forgot your password?"."""

    list_display = ("id", "email", "name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    fields = (
        "email",
        "name",
        "is_active",
        "is_staff",
        "is_superuser",
        "created_at",
        "last_login",
    )
    readonly_fields = ("created_at", "last_login")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.strip().lower()
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # what they did stays theirs; switch `is_active` off


@admin.register(Realm)
class RealmAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tenants; a new one gets its Do Not Mail."""

    list_display = ("name", "sender_name", "default_language", "created_at")
    search_fields = ("name", "sender_name")
    fields = ("name", "sender_name", "support_address", "default_language", "default_region")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Realm | None = None
    ) -> tuple[str, ...]:
        return ("name",) if obj else ()  # api_web clients have it in their configuration

    def save_model(self, request: HttpRequest, obj: Realm, form: Any, change: bool) -> None:
        if change:
            move_texts_of_lists(obj, obj.default_language)
        super().save_model(request, obj, form, change)
        if not change:
            add_do_not_mail(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Realm | None = None) -> bool:
        return False


@admin.register(List)
class ListAdmin(ReadOnly):
    list_display = ("realm", "number", "name", "public_id", "direct_link_mode", "closed_at")
    list_filter = ("kind", "direct_link_mode")
    list_select_related = ("realm",)
    search_fields = ("name", "public_id", "realm__name")


class ListAccessInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ListAccess
    extra = 0
    raw_id_fields = ("optout_list",)


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who is in which realm: the first admin of a realm is made here."""

    list_display = ("realm", "user", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("realm", "user")
    search_fields = ("realm__name", "user__email")
    raw_id_fields = ("user", "realm")
    inlines = (ListAccessInline,)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Membership | None = None
    ) -> tuple[str, ...]:
        return ("user", "realm") if obj else ()  # its keys are of that person and realm

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return False  # ended in the portal, under Team: their keys end with it, and it is audited


@admin.register(DownloadKey)
class DownloadKeyAdmin(ReadOnly):
    list_display = ("id", "optout_list", "label", "hint", "is_active", "last_used_at", "expires_at")
    list_select_related = ("optout_list",)
    exclude = ("secret_digest",)


@admin.register(RealmCredential)
class RealmCredentialAdmin(ReadOnly):
    list_display = ("id", "realm", "hint", "is_chosen", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("realm",)
    exclude = ("secret_digest",)


@admin.register(GlobalUnsubscribe)
class GlobalUnsubscribeAdmin(ReadOnly):
    list_display = ("realm", "is_on", "key")
    list_filter = ("is_on",)
    list_select_related = ("realm",)


@admin.register(RealmHost)
class RealmHostAdmin(ReadOnly):
    """Which realm a host name leads to: who claimed one that another realm wants."""

    list_display = ("host", "realm")
    list_select_related = ("realm",)
    search_fields = ("host", "realm__name")


@admin.register(Product)
class ProductAdmin(ReadOnly):
    list_display = ("realm", "number", "name", "optout_list", "is_active")
    list_select_related = ("realm", "optout_list")
    search_fields = ("name", "realm__name")


@admin.register(Publisher)
class PublisherAdmin(ReadOnly):
    list_display = ("realm", "reference", "name")
    list_select_related = ("realm",)
    search_fields = ("reference", "name", "realm__name")


@admin.register(StoredForm)
class StoredFormAdmin(ReadOnly):
    list_display = ("realm", "name", "publisher", "product", "uuid", "is_active")
    list_select_related = ("realm", "publisher", "product")
    search_fields = ("name", "uuid", "realm__name")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("recorded_at", "realm", "optout_list", "action", "actor")
    list_filter = ("action",)
    list_select_related = ("realm", "optout_list", "actor")
    date_hierarchy = "recorded_at"
