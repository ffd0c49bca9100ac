from reporting.models.counters import DailyCount, FeedCursor, GlobalDailyCount
from reporting.models.downloads import Download
from reporting.models.messages import RecipientState, TextMessage, TextRecipient, TextState
from reporting.models.notices import Notice
from reporting.models.reports import ReportKind, ReportRhythm, UnsubscriptionReport
from reporting.models.webhooks import (
    DeliveryState,
    Failure,
    OffCause,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookFormat,
)

__all__ = [
    "DailyCount",
    "DeliveryState",
    "Download",
    "Failure",
    "FeedCursor",
    "GlobalDailyCount",
    "Notice",
    "OffCause",
    "RecipientState",
    "ReportKind",
    "ReportRhythm",
    "TextMessage",
    "TextRecipient",
    "TextState",
    "UnsubscriptionReport",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookFormat",
]
