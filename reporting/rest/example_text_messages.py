"""The examples of the operations about text messages: what is sent, and what comes back."""

from typing import Any

from reporting.rest.programs import Call

MESSAGE_ID = "q8LmZkTnRw2vYx4B"
_ALL = "/api/v1/text-messages"
_ONE = f"{_ALL}/{MESSAGE_ID}"
_LINKS = "https://optout.example.com/s"

_TEXT = "Acme Garden: our autumn sale begins on Friday. Opt out: {optout}"
_MESSAGE = {
    "id": MESSAGE_ID,
    "state": "sending",
    "list": 1,
    "to": None,
    "from": "+18005550199",
    "text": _TEXT,
    "recipients": 1200,
    "sent": 0,
    "refused": 0,
    "unknown": 0,
    "created_at": "2026-11-22T09:30:00Z",
    "finished_at": None,
}

# name of the operation → its call, and the answer
TEXT_MESSAGE_CALLS: dict[str, tuple[Call, Any]] = {
    "make_opt_out_links": (
        Call(
            "POST",
            "/api/v1/opt-out-links",
            body={"list": 1, "phones": ["+14155550101", "+14155550123"]},
        ),
        {
            "list": 1,
            "open_link": f"{_LINKS}/p3vUvrRNiatMJwjP",
            "links": [
                {
                    "phone": "+14155550101",
                    "link": f"{_LINKS}/6VvQtUsLtKqfp2mYkXbBNc",
                    "suppressed": False,
                },
                {"phone": "+14155550123", "link": None, "suppressed": True},
            ],
        },
    ),
    "read_recipients_csv": (
        Call("GET", "/api/v1/lists/1/recipients"),
        f"phone,link\n+14155550101,{_LINKS}/6VvQtUsLtKqfp2mYkXbBNc\n",
    ),
    "preview_text_message": (
        Call("POST", f"{_ALL}/preview", body={"list": 1, "from": "+18005550199", "text": _TEXT}),
        {
            "encoding": "GSM-7",
            "segments": 1,
            "characters": 108,
            "units": 108,
            "text": _TEXT.replace("{optout}", f"{_LINKS}/6VvQtUsLtKqfp2mYkXbBNc"),
            "recipients": 1200,
            "left_out": 34,
            "warnings": [],
        },
    ),
    "make_text_message": (
        Call("POST", _ALL, body={"list": 1, "from": "+18005550199", "text": _TEXT}),
        _MESSAGE,
    ),
    "read_text_message": (Call("GET", _ONE), {**_MESSAGE, "sent": 700, "refused": 3}),
    "stop_text_message": (
        Call("POST", f"{_ONE}/stop"),
        {
            **_MESSAGE,
            "state": "stopped",
            "recipients": 703,
            "sent": 700,
            "refused": 3,
            "finished_at": "2026-11-22T09:31:00Z",
        },
    ),
}
