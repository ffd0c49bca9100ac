"""What every channel owes, by the old command (S4.7, S4.17); its own ways are in `api_web/`."""

from typing import Any

import pytest

from lists.models import List, Realm
from optout.choices import Assurance, Channel
from optout.models import OptOut
from tests.optout.channels.api_web.calls import AGENT, call, line, make_password
from tests.optout.channels.cases import ChannelCases, Target


@pytest.mark.usefixtures("_passwords")
class TestApiWeb(ChannelCases):
    channel = Channel.API_WEB
    assurance = Assurance.API_CREDENTIAL
    agent = AGENT
    unknown_status = 200  # scripts read the line, not the status
    forged_status = 200

    @pytest.fixture
    def _passwords(self, realm: Realm) -> None:
        make_password(realm)

    def send(self, target: Target) -> Any:
        found = List.objects.filter(pk=target.list_id).first()
        response = call(
            "acme",
            "unsub",
            list_id=found.number if found else target.list_id,
            optout=1,
            data=f"email^{target.item}",
            **({"pwd": "forged"} if target.is_forged else {}),
        )
        if found is None or target.is_forged:
            assert line(response).startswith("FAILURE: ")
        return response

    def test_it_names_the_password_that_was_used(self, realm: Realm, optout_list: List) -> None:
        self.send_for(optout_list)

        credential = realm.credentials.get()
        row = OptOut.objects.get()
        assert row.evidence == {"credential": credential.pk}
