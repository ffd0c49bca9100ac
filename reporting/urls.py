from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from reporting.views.access import (
    change_mailer,
    give_list_to_mailer,
    invite_mailer_to_list,
    list_access,
    make_download_key,
    switch_download_key,
)
from reporting.views.api_keys import (
    api_keys,
    make_api_key,
    replace_api_key,
    revoke_api_key,
)
from reporting.views.api_settings import (
    api_settings,
    bring_api_password,
    make_api_password,
    revoke_api_password,
)
from reporting.views.brand import brand, brand_preview
from reporting.views.check import check_address
from reporting.views.contact_changes import add_list_contacts, remove_list_contact
from reporting.views.contacts import list_contacts
from reporting.views.download import download, portal_download
from reporting.views.entries import lift_suppression, list_entries
from reporting.views.global_catalogue import (
    global_product,
    global_product_new,
    global_products,
    global_publisher,
    global_publisher_new,
    global_publishers,
)
from reporting.views.global_forms import global_form, global_form_new, global_forms
from reporting.views.global_settings import global_settings
from reporting.views.global_unsubscribe import (
    global_unsubscribe_csv,
    global_unsubscribe_per_day_csv,
    global_unsubscribe_report,
)
from reporting.views.join_form import list_join, list_join_csv
from reporting.views.list_settings import list_close, list_reopen, list_settings
from reporting.views.lists import lists
from reporting.views.new_list import list_new
from reporting.views.notifications import notifications
from reporting.views.overview import opt_outs_csv, overview
from reporting.views.page_editor import list_page, list_page_preview
from reporting.views.quarantine import (
    decide_quarantined,
    list_quarantine,
    release_network,
    release_server,
    revert_list,
    settle_notice,
)
from reporting.views.report_off import report_off
from reporting.views.reports import reports
from reporting.views.send_editor import send_editor, send_recipients
from reporting.views.send_editor_messages import send_message, stop_text_message, text_message
from reporting.views.service import list_service, rehearse_list, show_link_key
from reporting.views.sms_endpoints import (
    sms_endpoint,
    sms_endpoint_change,
    sms_endpoint_new,
    sms_endpoint_remove,
)
from reporting.views.sms_numbers import sms_number, sms_number_new, sms_number_remove
from reporting.views.sms_secrets import (
    sms_endpoint_rotate,
    sms_endpoint_secret,
    sms_endpoint_tokens,
)
from reporting.views.sms_settings import sms_settings
from reporting.views.stated_reasons import list_reasons, list_reasons_csv
from reporting.views.webhook_actions import (
    webhook_change,
    webhook_remove,
    webhook_replay,
    webhook_switch,
    webhook_test,
)
from reporting.views.webhook_endpoint import webhook_csv, webhook_delivery, webhook_endpoint
from reporting.views.webhook_secret import webhook_rotate, webhook_secret
from reporting.views.webhooks import webhook_list_callback, webhook_new, webhooks

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("reporting.rest.urls")),  # /api/…, /ws/…, /v2/…
    re_path(r"^d/(?P<public_id>[0-9A-Za-z_-]{1,32})\Z", download, name="download"),
    path("manage/lists/<public_id>/download", portal_download, name="portal_download"),
    path("manage", RedirectView.as_view(pattern_name="overview")),
    path("manage/", overview, name="overview"),
    path("manage/opt-outs-per-day.csv", opt_outs_csv, name="opt_outs_csv"),
    path("manage/reports/", reports, name="reports"),
    path(
        "manage/reports/global-unsubscribe",
        global_unsubscribe_report,
        name="global_unsubscribe_report",
    ),
    path(
        "manage/reports/global-unsubscribe.csv",
        global_unsubscribe_csv,
        name="global_unsubscribe_csv",
    ),
    path(
        "manage/reports/global-unsubscribe-per-day.csv",
        global_unsubscribe_per_day_csv,
        name="global_unsubscribe_per_day_csv",
    ),
    path("manage/lists/", lists, name="lists"),
    path("manage/lists/new", list_new, name="list_new"),
    path("manage/lists/<public_id>/settings", list_settings, name="list_settings"),
    path("manage/lists/<public_id>/page/", list_page, name="list_page"),
    path("manage/lists/<public_id>/page/preview", list_page_preview, name="list_page_preview"),
    path("manage/lists/<public_id>/close", list_close, name="list_close"),
    path("manage/lists/<public_id>/reopen", list_reopen, name="list_reopen"),
    path("manage/check/", check_address, name="check_address"),
    path("manage/send/", send_editor, name="send_editor"),
    path("manage/send/recipients", send_recipients, name="send_recipients"),
    path("manage/send/now", send_message, name="send_message"),
    path("manage/send/messages/<public_id>", text_message, name="text_message"),
    path("manage/send/messages/<public_id>/stop", stop_text_message, name="stop_text_message"),
    path("manage/settings/api", api_settings, name="api_settings"),
    path("manage/settings/api/passwords", make_api_password, name="make_api_password"),
    path("manage/settings/api/passwords/own", bring_api_password, name="bring_api_password"),
    path(
        "manage/settings/api/passwords/<int:credential_id>/revoke",
        revoke_api_password,
        name="revoke_api_password",
    ),
    path("manage/settings/api-keys", api_keys, name="api_keys"),
    path("manage/settings/api-keys/new", make_api_key, name="make_api_key"),
    path("manage/settings/api-keys/<int:key_id>/replace", replace_api_key, name="replace_api_key"),
    path("manage/settings/api-keys/<int:key_id>/revoke", revoke_api_key, name="revoke_api_key"),
    path("manage/settings/brand/", brand, name="brand"),
    path("manage/settings/brand/preview", brand_preview, name="brand_preview"),
    path("manage/settings/sms/", sms_settings, name="sms_settings"),
    path("manage/settings/sms/numbers/new", sms_number_new, name="sms_number_new"),
    path("manage/settings/sms/numbers/<int:number_id>", sms_number, name="sms_number"),
    path(
        "manage/settings/sms/numbers/<int:number_id>/remove",
        sms_number_remove,
        name="sms_number_remove",
    ),
    path("manage/settings/sms/inbound/new", sms_endpoint_new, name="sms_endpoint_new"),
    path("manage/settings/sms/inbound/<public_id>", sms_endpoint, name="sms_endpoint"),
    path(
        "manage/settings/sms/inbound/<public_id>/change",
        sms_endpoint_change,
        name="sms_endpoint_change",
    ),
    path(
        "manage/settings/sms/inbound/<public_id>/secret",
        sms_endpoint_secret,
        name="sms_endpoint_secret",
    ),
    path(
        "manage/settings/sms/inbound/<public_id>/rotate",
        sms_endpoint_rotate,
        name="sms_endpoint_rotate",
    ),
    path(
        "manage/settings/sms/inbound/<public_id>/tokens",
        sms_endpoint_tokens,
        name="sms_endpoint_tokens",
    ),
    path(
        "manage/settings/sms/inbound/<public_id>/remove",
        sms_endpoint_remove,
        name="sms_endpoint_remove",
    ),
    path("manage/settings/notifications", notifications, name="notifications"),
    path("n/<path:token>", report_off, name="report_off"),
    path("manage/settings/global/unsubscribe", global_settings, name="global_settings"),
    path("manage/settings/global/products", global_products, name="global_products"),
    path("manage/settings/global/products/new", global_product_new, name="global_product_new"),
    path("manage/settings/global/products/<int:number>", global_product, name="global_product"),
    path("manage/settings/global/publishers", global_publishers, name="global_publishers"),
    path(
        "manage/settings/global/publishers/new", global_publisher_new, name="global_publisher_new"
    ),
    path(
        "manage/settings/global/publishers/<int:publisher_id>",
        global_publisher,
        name="global_publisher",
    ),
    path("manage/settings/global/forms", global_forms, name="global_forms"),
    path("manage/settings/global/forms/new", global_form_new, name="global_form_new"),
    path("manage/settings/global/forms/<uuid:form_uuid>", global_form, name="global_form"),
    path("manage/webhooks/", webhooks, name="webhooks"),
    path("manage/webhooks/new", webhook_new, name="webhook_new"),
    path("manage/webhooks/list-callback", webhook_list_callback, name="webhook_list_callback"),
    path("manage/webhooks/<public_id>", webhook_endpoint, name="webhook_endpoint"),
    path("manage/webhooks/<public_id>/per-day.csv", webhook_csv, name="webhook_csv"),
    path("manage/webhooks/<public_id>/change", webhook_change, name="webhook_change"),
    path("manage/webhooks/<public_id>/test", webhook_test, name="webhook_test"),
    path("manage/webhooks/<public_id>/replay", webhook_replay, name="webhook_replay"),
    path("manage/webhooks/<public_id>/switch", webhook_switch, name="webhook_switch"),
    path("manage/webhooks/<public_id>/secret", webhook_secret, name="webhook_secret"),
    path("manage/webhooks/<public_id>/rotate", webhook_rotate, name="webhook_rotate"),
    path("manage/webhooks/<public_id>/remove", webhook_remove, name="webhook_remove"),
    path(
        "manage/webhooks/<public_id>/deliveries/<int:delivery_id>",
        webhook_delivery,
        name="webhook_delivery",
    ),
    path("manage/lists/<public_id>/service", list_service, name="list_service"),
    path("manage/lists/<public_id>/service/key", show_link_key, name="show_link_key"),
    path("manage/lists/<public_id>/service/test", rehearse_list, name="rehearse_list"),
    path("manage/lists/<public_id>/entries", list_entries, name="list_entries"),
    re_path(
        r"^manage/lists/(?P<public_id>[^/]+)/entries/(?P<digest>[0-9a-f]{32})/lift\Z",
        lift_suppression,
        name="lift_suppression",
    ),
    path("manage/lists/<public_id>/contacts", list_contacts, name="list_contacts"),
    path("manage/lists/<public_id>/contacts/add", add_list_contacts, name="add_list_contacts"),
    re_path(
        r"^manage/lists/(?P<public_id>[^/]+)/contacts/(?P<digest>[0-9a-f]{32})/remove\Z",
        remove_list_contact,
        name="remove_list_contact",
    ),
    path("manage/lists/<public_id>/join/", list_join, name="list_join"),
    path("manage/lists/<public_id>/join/per-day.csv", list_join_csv, name="list_join_csv"),
    path("manage/lists/<public_id>/reasons", list_reasons, name="list_reasons"),
    path("manage/lists/<public_id>/reasons.csv", list_reasons_csv, name="list_reasons_csv"),
    path("manage/lists/<public_id>/quarantine", list_quarantine, name="list_quarantine"),
    path(
        "manage/lists/<public_id>/quarantine/decide",
        decide_quarantined,
        name="decide_quarantined",
    ),
    path("manage/lists/<public_id>/quarantine/network", release_network, name="release_network"),
    path("manage/lists/<public_id>/quarantine/server", release_server, name="release_server"),
    path("manage/lists/<public_id>/quarantine/revert", revert_list, name="revert_list"),
    path("manage/lists/<public_id>/quarantine/notice", settle_notice, name="settle_notice"),
    path("manage/lists/<public_id>/access", list_access, name="list_access"),
    path("manage/lists/<public_id>/access/keys", make_download_key, name="make_download_key"),
    path(
        "manage/lists/<public_id>/access/keys/<int:key_id>",
        switch_download_key,
        name="switch_download_key",
    ),
    path("manage/lists/<public_id>/access/mailers", give_list_to_mailer, name="give_list"),
    path("manage/lists/<public_id>/access/invite", invite_mailer_to_list, name="invite_mailer"),
    path(
        "manage/lists/<public_id>/access/mailers/<int:access_id>",
        change_mailer,
        name="change_mailer",
    ),
]
