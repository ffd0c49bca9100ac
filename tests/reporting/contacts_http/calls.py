"""Calling both shapes in tests as their clients do: `V1` reads Atom, `V2` reads JSON, and both follow links to the next page."""

import json
import re
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

from django.test import Client

ATOM = "{http://www.w3.org/2005/Atom}"
CTCT = "{http://ws.constantcontact.com/ns/1.0/}"
AGENT = "PHP/8.3"


def basic(name: str, password: str = "anything") -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


class Caller:
    """Sends the header that proves the key."""

    def __init__(self, authorization: str, ip: str = "192.0.2.7") -> None:
        self.client = Client(
            enforce_csrf_checks=True, REMOTE_ADDR=ip, headers={"user-agent": AGENT}
        )
        self.headers = {"authorization": authorization} if authorization else {}

    def send(self, method: str, path: str, body: Any = b"", kind: str = "", **query: Any) -> Any:
        """The response; the client sends no cookie and gets none."""
        if query:
            path += "?" + urlencode(query, doseq=True)
        response = self.client.generic(method, path, body, kind, headers=self.headers)
        assert not response.cookies
        assert response.headers["Cache-Control"] == "no-store"
        return response


class V1(Caller):
    """A client of the Atom shape."""

    def __init__(self, realm: str, key: str) -> None:
        super().__init__(basic(f"{key}%{realm}"))
        self.root = f"/ws/customers/{realm}"

    def get(self, path: str, **query: Any) -> Any:
        """The document at that address, or at a link that begins at the root."""
        path = urlsplit(path).path if path.startswith("http") else path
        path = path if path.startswith("/") else f"{self.root}/{path}"
        response = self.send("GET", path, **query)
        assert response.status_code == 200, response.content
        assert response.headers["Content-Type"].startswith("application/atom+xml")
        return ET.fromstring(response.content)

    def entries(self, path: str, **query: Any) -> list[Any]:
        """Those of all pages."""
        found: list[Any] = []
        feed = self.get(path, **query)
        while True:
            page = feed.findall(f"{ATOM}entry")
            assert len(page) <= 50
            found += page
            link = feed.find(f"{ATOM}link[@rel='next']")
            if link is None:
                return found
            feed = self.get(link.get("href"))

    def members(self, list_id: object) -> dict[str, str]:
        """The ids of a list's members, by address."""
        entries = self.entries(f"lists/{list_id}/members")
        found = [each.find(f"{ATOM}content/{CTCT}ContactListMember") for each in entries]
        return {each.find(f"{CTCT}EmailAddress").text: each.get("id") for each in found}

    def contact(self, contact_id: object) -> Any:
        """The `Contact` element; its texts are `contact.find(CTCT + name).text`."""
        return self.get(f"contacts/{contact_id}").find(f"{ATOM}content/{CTCT}Contact")

    def put(self, contact_id: object, *list_ids: object, **fields: str) -> Any:
        body = entry(*list_ids, **fields)
        return self.send("PUT", f"{self.root}/contacts/{contact_id}", body, "application/atom+xml")

    def post(self, *list_ids: object, **fields: str) -> Any:
        body = entry(*list_ids, **fields)
        return self.send("POST", f"{self.root}/contacts", body, "application/atom+xml")

    def delete(self, contact_id: object) -> Any:
        return self.send("DELETE", f"{self.root}/contacts/{contact_id}")


def entry(*list_ids: object, **fields: str) -> str:
    """An entry as an old client writes it, with its lists by the host it knew."""
    lists = "".join(
        f'<ContactList id="http://api.example.com/ws/customers/acme/lists/{each}"/>'
        for each in list_ids
    )
    texts = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><entry xmlns="http://www.w3.org/2005/Atom"><title type="text"> </title>'
        '<updated>2008-07-23T14:21:06.407Z</updated><author/><id>data:,none</id><summary type="text">Contact</summary>'
        '<content type="application/vnd.ctct+xml"><Contact xmlns="http://ws.constantcontact.com/ns/1.0/">'
        f"{texts}<OptInSource>ACTION_BY_CUSTOMER</OptInSource><ContactLists>{lists}</ContactLists></Contact></content></entry>"
    )


class V2(Caller):
    """A client of the JSON shape."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Bearer {key}")

    def get(self, path: str, **query: Any) -> Any:
        response = self.send("GET", f"/v2/{path}", **query)
        assert response.status_code == 200, response.content
        assert response.headers["Content-Type"] == "application/json"
        return json.loads(response.content)

    def pages(self, path: str, **query: Any) -> list[list[Any]]:
        """The results of each page, found as the old SDK does: it keeps what stands behind the question mark."""
        found = []
        answer = self.get(path, **query)
        while True:
            found.append(answer["results"])
            link = answer["meta"]["pagination"].get("next_link")
            if link is None:
                return found
            assert re.match(r"/v2/[a-z0-9/-]+\?next=[A-Za-z0-9_-]+\Z", link)
            answer = self.get(f"{path}?{link.partition('?')[2]}&api_key=old")

    def emails(self, path: str, **query: Any) -> dict[str, str]:
        """The ids of all results, by address."""
        return {
            each["email_addresses"][0]["email_address"]: each["id"]
            for page in self.pages(path, **query)
            for each in page
        }

    def write(self, method: str, path: str, content: Any = None, **query: Any) -> Any:
        body = b"" if content is None else json.dumps(content)
        kind = "" if content is None else "application/json"
        return self.send(method, f"/v2/{path}", body, kind, **query)


def error_key(response: Any) -> str:
    """What a refusal of the JSON shape says that it is."""
    ((error,),) = (json.loads(response.content),)
    assert set(error) == {"error_key", "error_message"}
    return str(error["error_key"])
