"""optout/guard.py: a request about two addresses is one request; a form that says two things is none."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import pytest

from lists.lookup import forget_all_lists
from lists.models import List, Realm
from optout.guard import AGAIN_FIELD, HONEYPOT_FIELD
from optout.links import signed_url
from optout.models import GlobalLine, OptOut, QuarantinedOptOut, Suppression
from optout.short_links import short_url
from tests import make
from tests.optout.channels.cases import assert_nothing_recorded
from tests.optout.channels.global_unsubscribe.calls import call
from tests.optout.channels.global_unsubscribe.forms import JANE, PHONE, submit
from tests.pages import PublicClient, form_fields

BY_EMAIL, BY_PHONE = {"email": JANE}, {"phoneNumber": PHONE}
BOTH = {**BY_EMAIL, **BY_PHONE}

known = pytest.mark.parametrize("known", [BY_EMAIL, BY_PHONE], ids=["email", "phone"])


@pytest.fixture
def dnm(realm: Realm) -> List:
    """A Do Not Mail for which one network may bring a single address."""
    make.make_global_unsubscribe(realm)
    List.objects.filter(realm=realm).update(limit_form=1, limit_block=1)
    forget_all_lists()
    return make.do_not_mail(realm)


@pytest.mark.usefixtures("dnm")
class TestTwoAddresses:
    """The network may bring one of them, which it brought before, and not the other: the strictest judgement holds for both."""

    @known
    def test_of_the_form_both_wait(self, known: Mapping[str, str]) -> None:
        assert submit(dict(known), **known).status_code == 303

        refused = submit(BOTH, **BOTH)

        assert refused.status_code == 429
        self.check_both_wait()

    @known
    def test_of_the_api_both_wait(self, known: Mapping[str, str]) -> None:
        assert call(**known).content == b"1"

        refused = call(**BOTH)

        assert (refused.status_code, refused.content) == (429, b"0")
        self.check_both_wait()

    def check_both_wait(self) -> None:
        assert OptOut.objects.count() == Suppression.objects.count() == 1
        assert GlobalLine.objects.count() == 1
        waiting = QuarantinedOptOut.objects.order_by("pk").values_list("address", flat=True)
        assert list(waiting) == [JANE, PHONE]

    def test_each_of_them_counts(self) -> None:
        assert call(**BOTH).content == b"0"
        assert not OptOut.objects.exists()


def page_of(optout_list: List, kind: str) -> str:
    """The path of each kind of page with a form of ours."""
    return {
        "typed": f"/u/{optout_list.public_id}",
        "prefilled": f"/u/{optout_list.public_id}?email={JANE}",
        "signed": urlsplit(signed_url(optout_list.pk, JANE)).path,
        "short": urlsplit(short_url(optout_list.pk, "+14155552671")).path,
        "open": f"/s/{optout_list.public_id}",
    }[kind]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["typed", "prefilled", "signed", "short", "open"])
class TestRepeatedFields:
    """AT-35-43: what says two things changes nothing, whichever of them comes first."""

    def fill_in(self, optout_list: List, kind: str) -> tuple[str, dict[str, str]]:
        path = page_of(optout_list, kind)
        fields = form_fields(PublicClient().get(path))
        if "item" in fields:
            fields["item"] = JANE if kind == "typed" else "+14155552671"
        return path, fields

    @pytest.mark.parametrize("is_first", [True, False])
    @pytest.mark.parametrize("name", ["t", "scope", "item", "lang", HONEYPOT_FIELD, AGAIN_FIELD])
    def test_they_act_on_nothing(
        self, optout_list: List, kind: str, name: str, *, is_first: bool
    ) -> None:
        path, fields = self.fill_in(optout_list, kind)
        fields = {"scope": "list", "item": "x@example.com", HONEYPOT_FIELD: "", **fields}
        good = [(name, fields.get(name, "de")), *fields.items()]
        other = [(name, "+14155550100")]
        pairs = other + good if is_first else good + other

        page = PublicClient().send(path, urlencode(pairs))

        assert (page.status_code, b"<form" in page.content) == (400, True)
        assert_nothing_recorded()

    def test_the_page_shown_again_acts(self, optout_list: List, kind: str) -> None:
        path, fields = self.fill_in(optout_list, kind)
        client = PublicClient()
        page = client.send(path, urlencode([*fields.items(), ("t", "x")]))

        again = {name: value for name, value in fields.items() if name == "item"}
        assert client.press(page, path, **again).status_code == 303
        assert Suppression.objects.exists()

    def test_the_same_twice_is_one(self, optout_list: List, kind: str) -> None:
        path, fields = self.fill_in(optout_list, kind)

        response = PublicClient().send(path, urlencode([*fields.items(), *fields.items()]))

        assert response.status_code == 303
