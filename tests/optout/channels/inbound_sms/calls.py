"""Gateways that pass on what somebody texted."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lists.models import InboundEndpoint
from lists.sms_setup import secret_of
from tests.pages import URLENCODED, PublicClient

GATEWAY = {"user-agent": "Gateway/1.0", "accept": "*/*"}
JANE = "+14155552671"
OURS = "+18005550199"
TOKEN = "12345abcdef67890"


def path_of(endpoint: InboundEndpoint) -> str:
    return f"/sms/{endpoint.public_id}"


def text_us(
    endpoint: InboundEndpoint,
    text: str = "STOP",
    sender: str = JANE,
    to: str = OURS,
    **more: str,
) -> Any:
    """A message as JSON, with the endpoint's secret."""
    fields = {"from": sender, "to": to, "text": text, "secret": secret_of(endpoint), **more}
    return post_json(endpoint, fields)


def post_json(endpoint: InboundEndpoint, content: Any, **more: Any) -> Any:
    body = content if isinstance(content, str | bytes) else json.dumps(content)
    client = PublicClient(GATEWAY)
    return client.post(path_of(endpoint), body, content_type="application/json", **more)


def post_form(
    endpoint: InboundEndpoint, fields: Mapping[str, str] | str | bytes, **more: Any
) -> Any:
    body = fields if isinstance(fields, str | bytes) else urlencode(fields)
    return PublicClient(GATEWAY).post(path_of(endpoint), body, content_type=URLENCODED, **more)


def sign(secret: str, name: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks, by its specification."""
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{name}.{timestamp}.".encode() + body
    signature = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def twilio_signature(token: str, url: str, fields: list[tuple[str, str]]) -> str:
    """By Twilio's documentation: the URL, then each name and value, sorted by name, HMAC-SHA1 in base64."""
    signed = url + "".join(name + value for name, value in sorted(fields))
    return b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def text_twilio(
    endpoint: InboundEndpoint,
    text: str = "STOP",
    sender: str = JANE,
    *,
    token: str = TOKEN,
    base: str = "http://testserver",
    query: str = "",
    **more: str,
) -> Any:
    """A message as Twilio posts it."""
    fields = {
        "ToCountry": "US",
        "MessageSid": "SM0123456789",
        "From": sender,
        "To": OURS,
        "Body": text,
        "NumMedia": "0",
        **more,
    }
    url = f"{base}{path_of(endpoint)}{query}"
    signature = twilio_signature(token, url, list(fields.items()))
    return PublicClient({**GATEWAY, "x-twilio-signature": signature}).post(
        path_of(endpoint) + query, urlencode(fields), content_type=URLENCODED
    )
