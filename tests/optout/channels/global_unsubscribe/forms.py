"""Filling in the built-in form as a reader does."""

from typing import Any
from urllib.parse import urlencode

from tests.optout.channels.global_unsubscribe.calls import PATH
from tests.pages import PublicClient, parse

JANE, PHONE = "jane@example.com", "+14155552671"
CUSTOM = {
    "fields": "email,phoneNumber,customField1,customField2,customField3",
    "fieldLabel[customField1]": "Country",
    "fieldLabel[customField2]": "City",
    "fieldLabel[customField3]": "Reason",
}


def form_path(path: str = PATH, **parameters: Any) -> str:
    return f"{path}?{urlencode(parameters)}" if parameters else path


def show(path: str = PATH, **parameters: Any) -> Any:
    return PublicClient().get(form_path(path, **parameters))


def submit(typed: dict[str, str], path: str = PATH, **parameters: Any) -> Any:
    """Open the form with these parameters in its address, fill it in, press the button."""
    client, full = PublicClient(), form_path(path, **parameters)
    return client.press(client.get(full), full, **typed)


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def heading(page: Any) -> str:
    return page.content.decode().partition("<h1>")[2].partition("</h1>")[0]


def links_of(page: Any) -> list[str]:
    return parse(page.content.decode()).links


def inputs_of(page: Any) -> list[str]:
    """The names of the fields that a reader sees, in order."""
    hidden = {"note"}
    return [
        str(each["name"])
        for each in parse(page.content.decode()).inputs
        if each.get("type") != "hidden" and each.get("name") not in hidden
    ]
