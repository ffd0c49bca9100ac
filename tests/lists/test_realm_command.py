"""What commands about one realm have in common: options that are no text, and a realm that is not there."""

import pytest
from django.core.management import CommandError, call_command

COMMANDS = {
    "api_key": ["list", "--realm"],
    "api_password": ["list", "--realm"],
    "global_unsubscribe": [],
    "text_message": ["list", "--realm"],
    "unsubscription_report": ["list", "--realm"],
    "webhook": ["list", "--realm"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", COMMANDS)
class TestRealm:
    """The realm's name, as a shell hands it over: `--realm $'d\\xed'`."""

    @pytest.mark.parametrize("realm", ["d\udced", "a\0b"])
    def test_a_name_that_is_no_text_is_refused(self, name: str, realm: str) -> None:
        with pytest.raises(CommandError, match="realm is no text: it must be UTF-8") as caught:
            call_command(name, *COMMANDS[name], realm)
        assert caught.value.returncode == 2

    def test_one_that_is_not_there_is_said(self, name: str) -> None:
        with pytest.raises(CommandError, match="There is no realm of that name"):
            call_command(name, *COMMANDS[name], "nowhere")
