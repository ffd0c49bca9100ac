"""What the worker does again and again. Each piece of work is a task and a management command; both call it here.

Every one can be run at any time, twice, or by two at once: it does what is left to do, and says how much that was.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.management import call_command
from django.db import connection
from django.utils.translation import override

from lists import api_auth
from lists.mail import ENGLISH
from lists.models import ApiKey, RealmCredential
from optout import quarantine, retention
from optout.choices import Medium
from optout.inbound_messages import forget_messages
from optout.left_over import end_left_over_subscriptions
from reporting import feed, recipient_mails
from reporting.counters import advance_counts
from reporting.models import Download, Notice
from reporting.notices import mail_notices, raise_notices
from reporting.send_editor.sending import forget_recipients, send_waiting
from reporting.stop_confirmations import send_confirmations
from reporting.unsubscription_reports.sending import send_due
from reporting.webhooks.clearing import clear_deliveries
from reporting.webhooks.off_mail import mail_switched_off

NIGHT = timedelta(days=8)  # what a night looks at of the ledger; on Sundays all of it
SUNDAY = 6

type Work = Callable[[datetime], dict[str, int]]


def count_optouts(now: datetime) -> dict[str, int]:
    """Bring the daily counts up to the ledger. After a dump was restored on another server: count it anew."""
    return {"counted": advance_counts(now)}


def mend_feed(now: datetime) -> dict[str, int]:
    """After restoring a dump: let the feed begin anew on this server, and count again. `count_optouts` does so by itself."""
    return {**feed.mend_feed(), **count_optouts(now)}


@override(ENGLISH)
def tell_owners(now: datetime) -> dict[str, int]:
    """Raise notices and mail them, and tell of webhooks that we switched off.

    Raises OSError when a mail could not be sent; it is tried again the next time, and does not hold up what comes after it.
    """
    result = {"raised": raise_notices(now)}
    failure: OSError | None = None
    for name, mail in (("mailed", mail_notices), ("webhooks_off", mail_switched_off)):
        try:
            result[name] = mail(now)
        except OSError as error:
            failure = error
    if failure is not None:
        raise failure
    return result


@override(ENGLISH)
def send_reports(now: datetime) -> dict[str, int]:
    """Mail the unsubscription reports that are due. What fails is tried again by and by, and holds up nobody else."""
    return send_due(Medium.EMAIL, now)


@override(ENGLISH)
def send_sms_reports(now: datetime) -> dict[str, int]:
    """Send the unsubscription reports by SMS that are due. By itself, so that a gateway that hangs delays no mail."""
    return send_due(Medium.SMS, now)


def send_text_messages(now: datetime) -> dict[str, int]:
    """Hand the Send editor's messages over to the gateway, each recipient's once. What the gateway does not take waits."""
    return send_waiting(now)


def confirm_stops(now: datetime) -> dict[str, int]:
    """Send the messages that confirm a STOP, each once and within five minutes."""
    return send_confirmations(now)


def send_recipient_mails(now: datetime) -> dict[str, int]:
    """Send the mails that recipients asked for. What the server does not take for now is tried again, for a day."""
    return recipient_mails.send_due(now)


def accept_quarantined(now: datetime) -> dict[str, int]:
    """Accept the quarantined opt-outs that have waited for 7 days, on lists that want it so."""
    return {"accepted": quarantine.accept_overdue(now)}


def tend_limits(now: datetime) -> dict[str, int]:
    """Keep what is usual for each list, and forget old counts, sign-ins, wrong passwords, answers to programs."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lists_cache WHERE expires < %s", [now])
        sign_ins_forgotten = cursor.rowcount
    return {
        "lists_changed": retention.keep_usual_hours(now),
        "counters_forgotten": retention.prune_limits(now),
        "sign_ins_forgotten": sign_ins_forgotten,
        "answers_forgotten": retention.prune_answers(now),
        "password_failures_forgotten": api_auth.prune_failures(now),
    }


def apply_retention(now: datetime) -> dict[str, int]:
    """Empty what identifies callers after 90 days (AT-50), end subscriptions beside a suppression, and clear out old sessions,
    the delivery logs of webhooks and who texted.

    Suppressions are never touched.
    """
    oldest = now - retention.KEPT
    everything = now.weekday() == SUNDAY
    downloads = Download.objects.filter(started_at__lt=oldest).exclude(ip=None, agent="")
    passwords = RealmCredential.objects.filter(last_used_at__lt=oldest).exclude(last_used_ip=None)
    api_keys = ApiKey.objects.filter(last_used_at__lt=oldest).exclude(last_used_ip=None)
    result = {
        "ledger_rows": retention.empty_ledger(now, since=None if everything else oldest - NIGHT),
        "quarantined": retention.empty_quarantine(now),
        "consents": retention.empty_consents(now, since=None if everything else oldest - NIGHT),
        "recipient_mails": retention.prune_mails(now),
        "downloads": downloads.update(ip=None, agent=""),
        "passwords": passwords.update(last_used_ip=None),
        "api_keys": api_keys.update(last_used_ip=None),
        "subscriptions_ended": end_left_over_subscriptions(),
        "text_recipients": forget_recipients(oldest),
        "inbound_messages": forget_messages(now),
        "notices": Notice.objects.filter(settled_at__lt=oldest).delete()[0],
        **clear_deliveries(now),
    }
    call_command("clearsessions")
    return result
