"""AT-35–43 for the screens of set-up: whatever is sent, an answer comes, and never a 500."""

import pytest

from lists.models import List, Membership, User
from tests.lists.screens import open_screen, sign_in

VALUES = (
    "\x00",
    "a\x00b",
    "\ufdd0\u202e\u2066",
    "٣",
    "1_000",
    "9" * 20,
    "-1",
    "'; DROP TABLE lists_list; --",
    "<script>alert(1)</script>{{ 7|add:7 }}{% debug %}",
    "%s%(name)s{0}{name}",
    "x" * 70_000,
)
FORMS = {
    "/manage/realm": ("realm",),
    "/manage/settings/": ("sender_name", "support_address", "default_region", "thank_you_ar"),
    "/manage/team/invite": ("email", "role", "lists"),
    "/manage/team/{member}": ("role", "lists"),
    "/manage/lists/new": ("step", "draft", "name", "number", "accepts", "redirect_url", "back"),
    "/manage/lists/{list}/settings": (
        *("name", "number", "whitelist", "redirect_url", "limit_hour", "colour"),
    ),
    "/manage/lists/{list}/close": ("confirm_name",),
    "/manage/account/login/": ("login", "password", "next"),
    "/manage/account/password/reset/": ("email",),
    "/manage/account/password/change/": ("oldpassword", "password1"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("form", FORMS)
def test_every_form_answers_every_value(alice: User, optout_list: List, form: str) -> None:
    client = sign_in(alice)
    path = form.format(list=optout_list.public_id, member=Membership.objects.get(user=alice).pk)
    for value in VALUES:
        for field in FORMS[form]:
            answer = client.post(path, {field: value})
            assert answer.status_code in {200, 302, 400, 404, 422, 429}, (path, field, value[:20])


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/manage/team/", "/manage/team/1", "/manage/lists/new", "/"])
@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace", "head"])
def test_every_method_gets_an_answer(alice: User, path: str, method: str) -> None:
    answer = getattr(sign_in(alice), method)(path)
    assert answer.status_code in {200, 404, 405}


@pytest.mark.django_db
def test_a_member_of_an_impossible_number_does_not_exist(alice: User) -> None:
    client = sign_in(alice)
    for number in ("0", "9" * 20, "٣", "-1", "1_000"):
        assert client.get(f"/manage/team/{number}").status_code == 404


@pytest.mark.django_db
def test_names_are_text_on_every_screen(alice: User, optout_list: List) -> None:
    """AT-14: what an owner types is never markup."""
    nasty = "<script>alert(1)</script>\"'><img src=x>"
    List.objects.filter(pk=optout_list.pk).update(name=nasty[:100], description=nasty)
    User.objects.filter(pk=alice.pk).update(name=nasty)
    client = sign_in(alice)
    for path in (
        "/manage/",
        "/manage/lists/",
        "/manage/team/",
        f"/manage/lists/{optout_list.public_id}/settings",
    ):
        assert "<script>alert" in open_screen(client, path).text, path
