from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.webhooks.guard import is_allowed

PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "223.255.255.254",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "::ffff:93.184.215.14",
    "64:ff9b::5db8:d70e",  # 93.184.215.14, from a host without IPv4
]
INNER = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",  # carrier's network
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",  # a cloud's metadata
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::7f00:1",  # Teredo
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4
    "2002:5db8:d70e::1",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",  # a cloud's metadata
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
NO_ADDRESSES = [
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "1.1.1.1 ",
    "1.1.1",
]


class TestAddresses:
    @pytest.mark.parametrize("ip", PUBLIC)
    def test_public_ones_are_allowed(self, ip):
        assert is_allowed(ip) and is_allowed(ip_address(ip))

    @pytest.mark.parametrize("ip", INNER)
    def test_inner_and_special_ones_are_not(self, ip):
        assert not is_allowed(ip) and not is_allowed(ip_address(ip))

    @pytest.mark.parametrize("text", NO_ADDRESSES)
    def test_what_is_no_address_is_not(self, text):
        assert not is_allowed(text)

    @given(st.ip_addresses(v=4))
    def test_however_an_ipv4_address_is_wrapped_it_is_allowed_no_more(self, ip: IPv4Address):
        for wrapped in (f"::ffff:{ip}", f"64:ff9b::{ip}", f"::{ip}", f"::ffff:0:{ip}"):
            assert is_allowed(ip) or not is_allowed(wrapped)

    @given(st.ip_addresses(v=4))
    def test_what_python_calls_private_is_never_allowed(self, ip: IPv4Address):
        assert ip.is_global or not is_allowed(ip)


class TestAllowedNetworks:
    def test_the_named_one_is_allowed_and_no_other(self, settings):
        settings.WEBHOOK_ALLOW_CIDRS = ["10.1.0.0/16", "fd00:1::/32", "127.0.0.1"]
        assert is_allowed("10.1.2.3") and is_allowed("fd00:1::5") and is_allowed("127.0.0.1")
        assert not is_allowed("10.2.0.1") and not is_allowed("fd00:2::5")
        assert not is_allowed("127.0.0.2") and not is_allowed("::1")

    def test_also_where_it_is_written_as_ipv6(self, settings):
        settings.WEBHOOK_ALLOW_CIDRS = ["10.1.0.0/16"]
        assert is_allowed("::ffff:10.1.2.3") and not is_allowed("::ffff:10.2.2.3")

    def test_but_not_on_the_other_side_of_a_translator(self, settings):
        settings.WEBHOOK_ALLOW_CIDRS = ["10.1.0.0/16"]
        assert not is_allowed("64:ff9b::a01:203")

    def test_a_change_of_the_setting_is_not_missed(self, settings):
        assert not is_allowed("10.1.2.3")
        settings.WEBHOOK_ALLOW_CIDRS = ["10.0.0.0/8"]
        assert is_allowed("10.1.2.3")
        settings.WEBHOOK_ALLOW_CIDRS = []
        assert not is_allowed("10.1.2.3")

    def test_an_entry_that_cannot_be_read_allows_nothing(self, settings):
        settings.WEBHOOK_ALLOW_CIDRS = ["everything", "*", ""]
        assert not any(is_allowed(ip) for ip in INNER)
