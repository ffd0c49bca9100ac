"""Both shapes as existing clients send them: every file of `recorded/`, replayed whole, and answered byte for byte."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import translation

from lists.models import ApiKey, Contact, List, Realm, Subscription
from lists.secrets import digest_secret
from optout.choices import Reason
from optout.models import OptOut, Suppression
from tests import make
from tests.optout.channels.api_web.replay import Replayed, replay

FOLDER = Path(__file__).parent / "recorded"
KEY = "hk_recorded-key-of-the-shop"
ANSWER = b"\n=== answer\n"
KNOWN_DAYS = ("2026-03-04T", "2026-02-02T", "2026-01-03T", "1970-01-01T")
HEADERS = ("content-type", "location", "allow", "www-authenticate")  # those that clients read


@dataclass(frozen=True)
class Recorded:
    """One file: what it pins, the request, and the answer: its status, the headers above, the body."""

    name: str
    request: bytes
    answer: str


def read_recorded() -> list[Recorded]:
    return [_read(path) for path in sorted(FOLDER.glob("*.txt"))]


def _read(path: Path) -> Recorded:
    request, _, answer = path.read_bytes().removesuffix(b"\n").rpartition(ANSWER)
    _what, request = request.split(b"\n", 1)
    head, _, body = request.partition(b"\n\n")
    raw = head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body
    return Recorded(path.stem, raw, answer.decode())


@pytest.fixture
def world(db: None) -> Realm:
    """The realm `joesflowers`: Jane on two lists, John on one, Lee removed, and two who opted out of everything."""
    realm = make.make_realm("joesflowers")
    monthly = make.make_list(realm, 1, "Monthly Specials")
    weekly = make.make_list(realm, 2, "Weekly & more")
    other = make.make_realm("other")
    make.make_list(other, 3)
    _leave_free(901, 905)
    make.make_contact(
        realm, "jane@example.com", monthly, weekly, first="Jane", last="Doe", city="Waltham"
    )
    make.make_contact(realm, "john@example.com", monthly)
    make.make_contact(realm, "lee@example.com")
    make.make_contact(realm, "out@example.com", first="Olaf")
    make.make_contact(other, "theirs@example.com")
    # Numbers by which a client knows them
    for number, address in enumerate(("jane", "john", "lee", "out", "theirs"), 901):
        Contact.objects.filter(address=f"{address}@example.com").update(
            id=number, created_at=make.NOW - timedelta(days=30), changed_at=make.NOW
        )
    for address in ("out@example.com", "gone@example.com"):
        make.make_optout(make.do_not_mail(realm), address)
    List.objects.update(created_at=make.NOW - timedelta(days=60))
    ApiKey.objects.create(
        realm=realm, label="shop", secret_digest=digest_secret(KEY), hint="shop", may_write=True
    )
    return realm


def _leave_free(first: int, last: int) -> None:
    """Let no new contact get these numbers, however many the tests before have made."""
    with connection.cursor() as cursor:
        sequence = "pg_get_serial_sequence('lists_contact', 'id')"
        cursor.execute(f"SELECT nextval({sequence})")
        ((reached,),) = cursor.fetchall()
        if first - 100 < reached <= last:
            cursor.execute(f"SELECT setval({sequence}, {last})")


def as_text(answer: Replayed) -> str:
    """Status, headers and body; `{now}` for every time that the world did not have before."""
    lines = [str(answer.status)]
    lines += [f"{name}: {answer.headers[name]}" for name in HEADERS if name in answer.headers]
    text = "\n".join(lines) + "\n\n" + answer.body.decode()
    return re.sub(
        r"\d{4}-\d\d-\d\dT[0-9:.]+Z",
        lambda found: found[0] if found[0].startswith(KNOWN_DAYS) else "{now}",
        text,
    )


def state() -> tuple[object, ...]:
    return (
        list(Contact.objects.order_by("id").values_list("id", "address", "fields", "changed_at")),
        set(Subscription.objects.values_list("optout_list_id", "digest")),
        set(Suppression.objects.values_list("optout_list_id", "digest")),
        OptOut.objects.count(),
    )


@pytest.mark.parametrize("recorded", read_recorded(), ids=lambda recorded: recorded.name)
class TestRecorded:
    def test_the_answer_is_byte_for_byte(self, world: Realm, recorded: Recorded) -> None:
        before = state()

        answer = replay(recorded.request)

        assert as_text(answer) == recorded.answer
        length = None if answer.status == 204 else str(len(answer.body))  # HTTP forbids it there
        assert answer.headers.get("content-length") == length
        assert "set-cookie" not in answer.headers
        assert KEY.encode() not in answer.body
        # GET changes nothing, a refusal nothing, and what else is done something
        changes = not recorded.request.startswith(b"GET ") and answer.status < 300
        assert (state() != before) == changes


def test_programs_get_english_whatever_the_portal_speaks(
    world: Realm, in_german: Callable[..., None]
) -> None:
    in_german(Unsubscribed="Abgemeldet")
    (recorded,) = (each for each in read_recorded() if each.name == "v1_07_contact_opted_out")

    with translation.override("de"):
        assert str(Reason.UNSUBSCRIBED.label) == "Abgemeldet"
        answer = replay(recorded.request)

    assert "<OptOutReason>Unsubscribed</OptOutReason>" in recorded.answer
    assert as_text(answer) == recorded.answer
