"""config/database.py: the address of a server becomes Django's settings."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database import database_settings

NOWHERE = Path("/nonexistent")


class TestAddressOfAServer:
    def test_every_part_of_it_is_understood(self) -> None:
        found = database_settings("postgresql://anna:p%40ss@db.example.com:5433/optouts", NOWHERE)

        assert found["ENGINE"] == "django.db.backends.postgresql"
        assert (found["HOST"], str(found["PORT"])) == ("db.example.com", "5433")
        assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("anna", "p@ss", "optouts")

    def test_connections_outlive_a_request_and_a_restart_of_the_server(self) -> None:
        found = database_settings("postgres://anna@localhost/optouts", NOWHERE)

        assert found["CONN_MAX_AGE"] is None
        assert found["CONN_HEALTH_CHECKS"] is True

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql:///optouts?host=/run/postgresql&user=anna&port=5433",
            "postgresql://anna@/optouts?host=%2Frun%2Fpostgresql&port=5433",
        ],
    )
    def test_a_unix_socket_is_written_as_libpq_writes_it(self, url: str) -> None:
        found = database_settings(url, NOWHERE)

        assert (found["HOST"], found["PORT"]) == ("/run/postgresql", "5433")
        assert (found["USER"], found["NAME"]) == ("anna", "optouts")

    def test_options_of_the_connection_are_kept(self) -> None:
        found = database_settings("postgresql://anna@db/optouts?sslmode=require", NOWHERE)

        assert found["OPTIONS"] == {"sslmode": "require"}

    @pytest.mark.parametrize(
        "url",
        [
            "mysql://anna:hunter2@localhost/optouts",
            "sqlite:///optouts.db",
            "hunter2",
            "postgresql://anna:hunter2@localhost",
            "postgresql://anna:hunter2@localhost:port/optouts",
        ],
    )
    def test_what_cannot_work_is_refused_without_repeating_the_password(self, url: str) -> None:
        with pytest.raises(ImproperlyConfigured) as refusal:
            database_settings(url, NOWHERE)

        assert "DATABASE_URL" in str(refusal.value)
        assert "hunter2" not in str(refusal.value)
