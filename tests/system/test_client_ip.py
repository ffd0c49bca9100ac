"""AT-06/07: forged forwarding headers, through real nginx and real gunicorn."""

import shutil
from pathlib import Path

import pytest

from lists.models import List
from optout.models import OptOut
from tests.system.servers import ask, running_nginx, running_web

pytestmark = [
    pytest.mark.system,
    pytest.mark.django_db(transaction=True),
]
needs_nginx = pytest.mark.skipif(
    not (shutil.which("nginx") or Path("/usr/sbin/nginx").exists()), reason="nginx is not installed"
)

FORGED = [
    ("a single address", [("X-Forwarded-For", "10.9.9.9")]),
    ("a chain", [("X-Forwarded-For", "10.9.9.9, 127.0.0.1")]),
    ("two headers", [("X-Forwarded-For", "10.9.9.9"), ("X-Forwarded-For", "10.9.9.8")]),
    (
        "another header",
        [
            ("X-Real-IP", "10.9.9.9"),
            ("Forwarded", "for=10.9.9.9"),
            ("CF-Connecting-IP", "10.9.9.9"),
        ],
    ),
    ("garbage", [("X-Forwarded-For", "10.9.9.9, nonsense")]),
    ("IPv6", [("X-Forwarded-For", "::ffff:10.9.9.9")]),
]


def whitelisted(optout_list: List, network: str) -> str:
    """Only that address may act at once: so what is recorded tells whom we took the caller for."""
    List.objects.filter(pk=optout_list.pk).update(whitelist=[network])
    return f"/u/{optout_list.public_id}?item=jane@example.com"


AGENT = [("User-Agent", "curl/8.9.1"), ("Accept", "*/*")]


class TestForgedAddress:
    """Every way to claim the whitelisted address; one server for all of them, since starting it takes a second."""

    def test_a_direct_caller_is_not_believed(self, optout_list: List, tmp_path: Path) -> None:
        path = whitelisted(optout_list, "10.9.9.9")
        with running_web(tmp_path) as web:
            statuses = {
                name: ask(web.address, "GET", path, headers=AGENT + headers).status
                for name, headers in FORGED
            }

        assert statuses == {name: 403 for name, _ in FORGED}
        assert not OptOut.objects.exists()

    @needs_nginx
    def test_behind_a_proxy_only_what_the_proxy_saw_counts(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        path = whitelisted(optout_list, "10.9.9.9")
        with (
            running_web(tmp_path, TRUSTED_PROXIES="127.0.0.1") as web,
            running_nginx(tmp_path, web.address) as front,
        ):
            statuses = {
                name: ask(front, "GET", path, headers=AGENT + headers, source="127.0.0.5").status
                for name, headers in FORGED
            }

        assert statuses == {name: 403 for name, _ in FORGED}
        assert not OptOut.objects.exists()


@needs_nginx
class TestProxy:
    def test_the_callers_own_address_gets_through(self, optout_list: List, tmp_path: Path) -> None:
        path = whitelisted(optout_list, "127.0.0.5")
        with (
            running_web(tmp_path, TRUSTED_PROXIES="127.0.0.1") as web,
            running_nginx(tmp_path, web.address) as front,
        ):
            forged = [("X-Forwarded-For", "10.9.9.9")]
            answer = ask(front, "GET", path, headers=AGENT + forged, source="127.0.0.5")

        assert answer.status == 200
        assert str(OptOut.objects.get().ip) == "127.0.0.5"

    def test_a_unix_socket_counts_as_a_proxy_only_when_named(
        self, optout_list: List, tmp_path: Path
    ) -> None:
        path = whitelisted(optout_list, "127.0.0.5")
        statuses = []
        for trusted in ("unix", "127.0.0.1"):
            address = f"unix:{tmp_path}/{trusted}.sock"
            with (
                running_web(tmp_path, bind=address, TRUSTED_PROXIES=trusted),
                running_nginx(tmp_path, address) as front,
            ):
                statuses.append(ask(front, "GET", path, headers=AGENT, source="127.0.0.5").status)

        assert statuses == [200, 403]
