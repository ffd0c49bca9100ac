"""Whatever a URL says and wherever a name leads: an inner listener gets nothing, not even a connection (AT-19 to 22)."""

import socket

import pytest

from reporting.models import Failure
from tests.receiver import HOST, INNER_HOST, Receiver
from tests.reporting.webhooks.posting import post


def inner(receiver: Receiver, host: str) -> str:
    return f"http://{host}:{receiver.inner_port}/ok"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2",
        "127.2",
        "127.0.2",
        "2130706434",
        "0x7f000002",
        "0x7f.0.0.2",
        "017700000002",
        "0177.0.0.2",
        "127.0.0.2.",
        "１２７.0.0.2",
        "127。0。0。2",
        "[::ffff:127.0.0.2]",
        "[::ffff:7f00:2]",
        "[::127.0.0.2]",
        "[64:ff9b::7f00:2]",
        "[2002:7f00:2::]",
        "[2001:0:7f00:2::]",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "0",
        "localhost",
        "localhost.",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "172.16.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[fc00::1]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[ff02::1]",
    ],
)
class TestSpellings:
    def test_none_leads_inside(self, receiver, settings, host):
        """Also where such a URL is stored: kept from another release, or written by hand."""
        settings.WEBHOOK_ALLOW_CIDRS = []
        (tried,) = post(inner(receiver, host))
        assert tried.failure in {Failure.FORBIDDEN, Failure.NAME} and tried.status is None
        settings.WEBHOOK_ALLOW_CIDRS = [HOST]
        assert receiver.counts()["inner"] == 0


class TestNames:
    @pytest.mark.parametrize(
        "ip",
        [INNER_HOST, f"::ffff:{INNER_HOST}", "::1", "10.0.0.1", "169.254.169.254", "fe80::1%lo"],
    )
    def test_that_lead_inside_are_not_followed(self, receiver, resolves, ip):
        resolves([ip])
        (tried,) = post(inner(receiver, "crm.example.com"))
        assert tried.failure == Failure.FORBIDDEN
        assert receiver.counts()["inner"] == 0

    def test_that_lead_inside_only_later_are_followed_no_more(self, receiver, resolves):
        """Rebinding: what was looked up at first does not count, but where the connection goes."""
        resolves([HOST], [INNER_HOST])
        outer = f"http://crm.example.com:{receiver.port}/answer-and-close"
        first, second = post(outer, inner(receiver, "crm.example.com"))
        assert first.is_delivered and second.failure == Failure.FORBIDDEN
        assert receiver.counts()["inner"] == 0

    def test_that_lead_inside_as_well_are_followed_elsewhere(self, receiver, resolves):
        resolves([INNER_HOST, "::1", HOST, "10.0.0.1"])
        (tried,) = post(f"http://crm.example.com:{receiver.port}/ok")
        assert tried.is_delivered
        assert receiver.counts()["inner"] == 0

    def test_and_a_failure_elsewhere_is_told_as_that(self, receiver, resolves):
        with socket.create_server((HOST, 0)) as server:
            port = server.getsockname()[1]
        resolves([INNER_HOST, HOST])
        assert post(f"http://crm.example.com:{port}/")[0].failure != Failure.FORBIDDEN

    def test_a_kept_connection_is_not_a_way_around(self, receiver, resolves):
        resolves([HOST], [INNER_HOST])
        url = f"http://crm.example.com:{receiver.port}/ok"
        assert all(tried.is_delivered for tried in post(url, url))
        assert receiver.counts() == {"requests": 2, "connections": 1, "inner": 0}


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_are_not_followed(self, receiver, status):
        (tried,) = post(receiver.url(f"/redirect?status={status}"))
        assert (tried.status, tried.failure) == (status, Failure.STATUS)
        assert receiver.counts() == {"requests": 1, "connections": 1, "inner": 0}

    def test_neither_to_where_one_may_call(self, receiver):
        post(receiver.url(f"/redirect?to={receiver.url('/ok')}"))
        assert [got.path.partition("?")[0] for got in receiver.got()] == ["/redirect"]


class TestAllowedNetworks:
    def test_the_named_one_works_and_no_other(self, receiver, settings):
        settings.WEBHOOK_ALLOW_CIDRS = [INNER_HOST]
        inside, outside = post(receiver.inner_url(), receiver.url())
        assert inside.is_delivered and outside.failure == Failure.FORBIDDEN
        settings.WEBHOOK_ALLOW_CIDRS = [HOST]
        assert receiver.counts() == {"requests": 0, "connections": 0, "inner": 1}

    def test_also_by_name(self, receiver, settings, resolves):
        settings.WEBHOOK_ALLOW_CIDRS = ["127.0.0.0/8"]
        resolves([INNER_HOST])
        assert post(inner(receiver, "crm.internal"))[0].is_delivered
