"""Whose IP it is, and that no header can forge it (security.md §2; AT-06/07 on the function)."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from optout.client_ip import client_ip

PROXY = "10.0.0.1"
OUTER_PROXY = "10.0.1.1"
CLIENT = "203.0.113.7"
FORGED = "192.0.2.66"


def ip_of(peer: str | None, forwarded: str | None = None, **headers: str) -> str | None:
    meta = {**headers}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    request = RequestFactory().get("/", **meta)  # type: ignore[arg-type]
    if peer is None:
        del request.META["REMOTE_ADDR"]
    else:
        request.META["REMOTE_ADDR"] = peer
    ip = client_ip(request)
    return None if ip is None else str(ip)


class TestWithoutTrustedProxies:
    @pytest.fixture(autouse=True)
    def _trust_nobody(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = []

    def test_is_the_peer(self) -> None:
        assert ip_of(CLIENT) == CLIENT

    def test_believes_no_header(self) -> None:
        claims = {
            "HTTP_X_REAL_IP": FORGED,
            "HTTP_FORWARDED": f"for={FORGED}",
            "HTTP_X_CLIENT_IP": FORGED,
            "HTTP_CF_CONNECTING_IP": FORGED,
            "HTTP_TRUE_CLIENT_IP": FORGED,
        }
        assert ip_of(CLIENT, FORGED, **claims) == CLIENT

    @pytest.mark.parametrize(
        ("peer", "ip"),
        [
            ("::ffff:203.0.113.7", CLIENT),
            ("2001:DB8::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
        ],
    )
    def test_reads_ipv6(self, peer: str, ip: str) -> None:
        assert ip_of(peer) == ip

    @pytest.mark.parametrize("peer", ["", None, "unix:", "localhost", "203.0.113.007"])
    def test_is_unknown_behind_a_socket_or_without_an_address(self, peer: str | None) -> None:
        assert ip_of(peer, FORGED) is None


class TestBehindTrustedProxies:
    @pytest.fixture(autouse=True)
    def _trust_our_proxies(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = [PROXY, "10.0.1.0/24", "2001:db8:ffff::/64"]

    @pytest.mark.parametrize(
        ("forwarded", "ip"),
        [
            (CLIENT, CLIENT),
            (f"{FORGED}, {CLIENT}", CLIENT),
            (f"{FORGED},{PROXY},{CLIENT}", CLIENT),
            (f"{CLIENT}, {OUTER_PROXY}", CLIENT),
            (f"{FORGED}, {CLIENT}, {OUTER_PROXY}, 10.0.1.2", CLIENT),
            (f"{CLIENT}, 2001:db8:ffff::9", CLIENT),
            (f"{CLIENT}, ::ffff:{OUTER_PROXY}", CLIENT),
            (f"{FORGED}, ::ffff:{CLIENT}", CLIENT),
            (f"{CLIENT}:51234", CLIENT),
            ("[2001:db8::7]:51234", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            (f"  {CLIENT}\t", CLIENT),
        ],
    )
    def test_walks_from_the_right_past_our_proxies(self, forwarded: str, ip: str) -> None:
        assert ip_of(PROXY, forwarded) == ip

    def test_reads_several_headers_as_one(self) -> None:
        """gunicorn joins them with a comma, in the order received."""
        assert ip_of(PROXY, ",".join([FORGED, f"{FORGED}, {CLIENT}"])) == CLIENT

    @pytest.mark.parametrize(
        "garbage", ["garbage", "'", '"', "<script>", '"1.2.3.4', "unknown", "_hidden", ""]
    )
    def test_is_not_confused_by_what_the_client_wrote_before(self, garbage: str) -> None:
        assert ip_of(PROXY, f"{garbage}, {CLIENT}") == CLIENT

    @pytest.mark.parametrize(
        "forwarded",
        [
            "",
            " ",
            ",",
            f"{FORGED},",
            f"{FORGED}, garbage",
            f"{FORGED}, garbage, {OUTER_PROXY}",
            f"{FORGED}, unknown",
            f"{FORGED}, 203.0.113.007",
            f"{FORGED}, 203.0.113.7:99999",
            f"{FORGED}, 203.0.113.7 198.51.100.1",
            f"{FORGED}, [2001:db8::7",
            f"{FORGED}, " + "1" * 8_000,
            f"{FORGED}\x00",
        ],
    )
    def test_is_unknown_where_the_walk_meets_garbage(self, forwarded: str) -> None:
        assert ip_of(PROXY, forwarded) is None

    def test_never_falls_back_to_the_proxy(self) -> None:
        assert ip_of(PROXY) is None
        assert ip_of(PROXY, OUTER_PROXY) is None
        assert ip_of(PROXY, ", ".join([OUTER_PROXY] * 5_000)) is None

    def test_believes_no_header_of_a_stranger(self) -> None:
        assert ip_of(CLIENT, FORGED) == CLIENT
        assert ip_of("10.0.0.2", FORGED) == "10.0.0.2"

    def test_believes_no_other_header(self) -> None:
        assert ip_of(PROXY, CLIENT, HTTP_X_REAL_IP=FORGED, HTTP_FORWARDED=f"for={FORGED}") == CLIENT

    def test_trusts_no_socket(self) -> None:
        assert ip_of("", CLIENT) is None

    def test_knows_a_mapped_peer(self) -> None:
        assert ip_of(f"::ffff:{PROXY}", CLIENT) == CLIENT


class TestBehindAUnixSocket:
    @pytest.fixture(autouse=True)
    def _trust_the_socket(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = ["unix"]

    def test_reads_the_header(self) -> None:
        assert ip_of("", f"{FORGED}, {CLIENT}") == CLIENT
        assert ip_of(None, CLIENT) == CLIENT

    def test_does_not_trust_a_tcp_peer(self) -> None:
        assert ip_of(CLIENT, FORGED) == CLIENT

    def test_walks_past_listed_proxies(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = ["unix", PROXY]
        assert ip_of("", f"{FORGED}, {CLIENT}, {PROXY}") == CLIENT


class TestTheHeaderIsASetting:
    def test_reads_only_the_one_that_is_set(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = [PROXY]
        settings.CLIENT_IP_HEADER = "X-Real-IP"
        assert ip_of(PROXY, FORGED, HTTP_X_REAL_IP=CLIENT) == CLIENT
        assert ip_of(PROXY, FORGED) is None

    def test_a_spoilt_entry_trusts_nobody(self, settings: Settings) -> None:
        settings.TRUSTED_PROXIES = ["nonsense", "*"]
        assert ip_of(PROXY, FORGED) == PROXY
