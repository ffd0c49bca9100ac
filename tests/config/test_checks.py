"""What is told at start of settings that cannot be used."""

from typing import Any

import pytest
from django.core.checks import run_checks


def told(settings: Any, networks: list[str]) -> dict[str, str]:
    """What `manage.py check` says of these networks: id → message."""
    settings.WEBHOOK_ALLOW_CIDRS = networks
    return {
        message.id or "": message.msg
        for message in run_checks()
        if "WEBHOOK_ALLOW_CIDRS" in message.msg
    }


class TestNetworksOfWebhooks:
    @pytest.mark.parametrize(
        "networks", [[], ["10.0.0.0/8"], ["192.0.2.7", "fd00::/8", "::ffff:10.0.0.0/104"]]
    )
    def test_readable_ones_need_no_word(self, settings, networks):
        assert told(settings, networks) == {}

    @pytest.mark.parametrize(
        "entry",
        [
            "crm.internal",
            "10.0.0.0/33",
            "10.0.0.0/255.0.0.0",
            "010.0.0.1",
            "10.0.0",
            "fe80::1%eth0",
            "*",
        ],
    )
    def test_one_that_allows_nothing_stops_the_start(self, settings, entry):
        assert told(settings, ["10.0.0.0/8", entry]) == {
            "heed.E004": f"WEBHOOK_ALLOW_CIDRS: not an IP address or network: {entry}."
        }

    @pytest.mark.parametrize("entry", ["0.0.0.0/0", "::/0"])
    def test_everything_is_warned_of(self, settings, entry):
        assert list(told(settings, [entry])) == ["heed.W005"]
