import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from config.demo import Answer, load_demo


class Command(BaseCommand):
    """`seed_demo`: load the demo and print how to reach it; `--json`: as one JSON object and nothing else."""

    help = "Load the demo company, or complete it, and print its addresses, keys and sign-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        answer = load_demo(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        else:
            self.stdout.write(as_text(answer))


def as_text(answer: Answer) -> str:
    """The demo's sign-ins and links as a short table for people."""
    width = max(len(user["email"]) for user in answer["users"].values())
    lines = [f"Sign in at {answer['base_url']}/manage/", ""]
    for key, user in answer["users"].items():
        lines.append(f"  {key:<11} {user['email']:<{width}}  {user['password']}")
    realm = answer["realm"]
    lines += [
        "",
        f"api_web        {answer['api_web_url']}",
        f"               realm {realm['name']}, password {realm['password']}",
        "",
        f"REST API       {answer['base_url']}/api/v1/docs",
        f"               key {answer['api_key']}, to read only {answer['api_key_read']}",
        f"Contacts API   user {answer['contacts_user']}, key {answer['contacts_token']}",
        "",
        f"Global Unsubscribe  {answer['global_unsubscribe_url']}",
        f"                    {answer['global_unsubscribe']['form']['url']}",
        "",
        f"Text messages  text STOP to {answer['sms']['number']}, or open {answer['sms']['link_url']}",
        f"               gateway {answer['sms']['inbound_url']}",
        f"               secret {answer['sms']['inbound_secret']}",
        "",
    ]
    for each in answer["lists"]:
        lines += [
            f"{each['number']}  {each['name']} ({each['direct_link_mode']})",
            f"   hosted page  {each['page_url']}",
            f"   signed link  {each['one_click_url']}",
            f"   download     {each['download_url']}?key={each['download_key']}",
            f"   preferences  {each['preferences_url']}",
        ]
        if each["join_url"]:
            lines.append(f"   join form    {each['join_url']}")
    return "\n".join(lines)
