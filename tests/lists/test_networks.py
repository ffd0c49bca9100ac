"""The allow-list field and the network a limit counts by (S0.14, security.md §2)."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists.networks import (
    MAX_ENTRIES,
    UNKNOWN_NETWORK,
    Networks,
    NetworksError,
    compile_networks,
    network_of,
    parse_networks,
)

IPS = st.ip_addresses()


def refusal(text: str) -> NetworksError:
    with pytest.raises(NetworksError) as caught:
        parse_networks(text)
    return caught.value


class TestParseNetworks:
    @pytest.mark.parametrize(
        ("text", "entries"),
        [
            ("", []),
            (" ,\n, ", []),
            (".,,", []),
            ("192.0.2.1", ["192.0.2.1"]),
            (
                "192.0.2.1,192.0.2.2 192.0.2.3\r\n\t192.0.2.4,,",
                [f"192.0.2.{n}" for n in range(1, 5)],
            ),
            ("192.0.2.1, 192.0.2.1 192.0.2.1/32", ["192.0.2.1"]),
            ("192.0.2.77/24", ["192.0.2.0/24"]),
            ("10.0.0.0/8", ["10.0.0.0/8"]),
            ("2001:DB8:0:0::1", ["2001:db8::1"]),
            ("2001:db8::1/64", ["2001:db8::/64"]),
            ("2001:db8::/32", ["2001:db8::/32"]),
            ("::ffff:192.0.2.1", ["192.0.2.1"]),
            ("::ffff:192.0.2.0/120", ["192.0.2.0/24"]),
        ],
    )
    def test_gives_the_canonical_entries(self, text: str, entries: list[str]) -> None:
        assert parse_networks(text) == entries

    def test_names_the_impossible_address_of_the_seed(self) -> None:
        error = refusal(".,,333.333.333.333")
        assert error.bad == ("333.333.333.333",)
        assert str(error) == "Not an IP address or network: 333.333.333.333."

    @pytest.mark.parametrize(
        "entry",
        [
            "mail.example.com",
            "192.0.2",
            "192.0.2.1.",
            "192.0.2.1/33",
            "192.0.2.1/",
            "192.0.2.1/-1",
            "::1/129",
            "192.0.2.0/255.255.255.0",
            "192.0.2.0/0.0.0.255",
            "fe80::1%eth0",
            "[::1]",
            "192.0.2.1:80",
            "192.0.2.1-9",
            "*",
            "1",
            "٣.0.0.1",
            "192.0.2.0/٢٤",
            "192.0.2.0/1_6",
            "1" * 200,
            "0x7f.1",
            "' OR 1=1",
        ],
    )
    def test_refuses_what_is_no_address(self, entry: str) -> None:
        assert refusal(entry).bad

    @pytest.mark.parametrize("entry", ["010.0.0.1", "10.0.0.01", "10.00.0.1", "192.0.2.0/024"])
    def test_refuses_leading_zeros(self, entry: str) -> None:
        error = refusal(entry)
        assert error.zeros == (entry,)
        assert entry in str(error)

    @pytest.mark.parametrize(
        "entry",
        [
            "10.0.0.0/7",
            "0.0.0.0/0",
            "2001:db8::/31",
            "::/0",
            "::ffff:0:0/96",
            "::ffff:10.0.0.0/103",
        ],
    )
    def test_refuses_what_is_too_wide(self, entry: str) -> None:
        error = refusal(entry)
        assert error.wide == (entry,)
        assert "/8 for IPv4" in str(error)

    def test_names_every_bad_entry_in_one_message(self) -> None:
        message = str(refusal("host.example, 192.0.2.1, 333.1.1.1 010.0.0.1 10.0.0.0/2"))
        for entry in ("host.example", "333.1.1.1", "010.0.0.1", "10.0.0.0/2"):
            assert entry in message
        assert "192.0.2.1" not in message

    def test_takes_two_hundred_entries_and_no_more(self) -> None:
        entries = [f"192.0.2.{n}" for n in range(100)] + [f"198.51.100.{n}" for n in range(100)]
        assert len(parse_networks(",".join(entries))) == MAX_ENTRIES
        assert refusal(",".join([*entries, "203.0.113.1"])).count == MAX_ENTRIES + 1

    def test_refuses_a_text_of_any_length(self) -> None:
        assert "too long" in str(refusal("1" * 1_000_000))

    @given(st.text(max_size=300) | st.lists(st.ip_addresses().map(str)).map(",".join))
    def test_raises_nothing_else_and_reads_its_own_answer(self, text: str) -> None:
        try:
            entries = parse_networks(text)
        except NetworksError:
            return
        assert parse_networks(" ".join(entries)) == entries


class TestNetworks:
    def test_holds_single_addresses_and_networks_of_both_versions(self) -> None:
        networks = Networks(("192.0.2.1", "198.51.100.0/24", "2001:db8::/64"))
        inside = [
            "192.0.2.1",
            "198.51.100.0",
            "198.51.100.255",
            "2001:db8::1",
            "2001:db8::ffff:0:0:1",
        ]
        outside = ["192.0.2.2", "198.51.101.0", "2001:db8:0:1::", "::1", "0.0.0.0"]
        assert [ip for ip in inside + outside if ip_address(ip) in networks] == inside

    def test_takes_mapped_addresses_for_what_they_are(self) -> None:
        assert ip_address("::ffff:192.0.2.1") in Networks(("192.0.2.1",))
        assert ip_address("192.0.2.1") in Networks(("::ffff:192.0.2.1",))

    def test_does_not_mix_the_versions(self) -> None:
        assert ip_address("::c000:201") not in Networks(("192.0.2.1",))

    @pytest.mark.parametrize(
        "nobody", [None, "", "unknown", "192.0.2.1 ", 3221225985, object(), b"\xc0\x00\x02\x01"]
    )
    def test_answers_not_allowed_to_what_is_no_address(self, nobody: object) -> None:
        assert nobody not in Networks(("192.0.2.1", "192.0.2.0/24"))

    def test_still_binds_when_its_entries_are_spoilt(self) -> None:
        spoilt = Networks(("nonsense",))
        assert spoilt
        assert ip_address("192.0.2.1") not in spoilt

    def test_is_false_only_without_entries(self) -> None:
        assert not compile_networks([])
        assert list(compile_networks(["192.0.2.1"])) == ["192.0.2.1"]

    @given(st.lists(st.tuples(IPS, st.integers(0, 128)), max_size=6), IPS)
    def test_agrees_with_the_standard_library(self, pairs, ip) -> None:
        nets = [
            ip_network((int(a), min(bits, a.max_prefixlen)), strict=False)
            if a.version == 6
            else ip_network(f"{a}/{min(bits, 32)}", strict=False)
            for a, bits in pairs
        ]
        nets = [
            net for net in nets if net.version == 4 or not net.overlaps(ip_network("::ffff:0:0/96"))
        ]
        if ip.version == 6 and ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        assert (ip in Networks(tuple(map(str, nets)))) == any(
            ip in net for net in nets if net.version == ip.version
        )


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("ip", "network"),
        [
            ("192.0.2.1", "192.0.2.1/32"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
        ],
    )
    def test_is_the_address_or_the_household(self, ip: str, network: str) -> None:
        assert network_of(ip_address(ip)) == network

    def test_is_one_bucket_for_the_unknown(self) -> None:
        assert network_of(None) == UNKNOWN_NETWORK

    @given(IPS)
    def test_is_a_network_that_holds_the_address(self, ip) -> None:
        network = ip_network(network_of(ip))
        assert str(network) == network_of(ip)
        if network.version == ip.version:
            assert ip in network
