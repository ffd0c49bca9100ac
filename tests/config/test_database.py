"""config/database.py: the address of a server becomes Django's settings."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from config.checks import commits_are_durable
from config.database import database_settings, prepare_connection
from tests.system.servers import ROOT, test_database_url

NOWHERE = Path("/nonexistent")
# What an operator might have set, and we cannot live with.
OPTIONS = r"-csynchronous_commit=off -cdefault_transaction_isolation=repeatable\ read"


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


def set_locally(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [name, value])


def set_synchronous_commit(value: str) -> None:
    set_locally("synchronous_commit", value)


def synchronous_commit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        ((value,),) = cursor.fetchall()
    return str(value)


@pytest.mark.django_db
class TestDurability:
    """Promise 1: recorded means durable."""

    @pytest.mark.parametrize("before", ["off", "local", "remote_write", "on"])
    def test_a_new_connection_waits_for_the_disk(self, before: str) -> None:
        set_synchronous_commit(before)

        prepare_connection(connection=connection)

        assert synchronous_commit() == "on"

    def test_what_is_stronger_is_left_alone(self) -> None:
        set_synchronous_commit("remote_apply")

        prepare_connection(connection=connection)

        assert synchronous_commit() == "remote_apply"

    @pytest.mark.system
    def test_every_process_does_so_whatever_the_address_says(self, tmp_path: Path) -> None:
        program = (
            "import django; django.setup(); from django.db import connection; cursor = connection.cursor();"
            "cursor.execute('SHOW synchronous_commit'); print(cursor.fetchone()[0]);"
            "cursor.execute('SHOW transaction_isolation'); print(cursor.fetchone()[0])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": f"{test_database_url()}&options={quote(OPTIONS)}",
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "HEED_STATE": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == ["on", "read committed"]

    @pytest.mark.parametrize(
        ("value", "is_told"),
        [("off", True), ("local", True), ("on", False), ("remote_apply", False)],
    )
    def test_the_check_looks_at_what_our_connection_has(self, value: str, is_told: bool) -> None:
        set_synchronous_commit(value)

        told = {message.id for message in commits_are_durable(databases=["default"])}

        assert ("heed.W004" in told) is is_told

    def test_the_check_tells_of_a_server_that_does_not_write_to_the_disk(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('fsync'), current_setting('full_page_writes')")
            ((fsync, full_page_writes),) = cursor.fetchall()

        told = {message.id for message in commits_are_durable(databases=["default"])}

        assert ("heed.W002" in told) is (fsync == "off")
        assert ("heed.W003" in told) is (full_page_writes == "off")

    def test_without_a_database_nothing_is_asked(self) -> None:
        assert commits_are_durable() == []


@pytest.mark.django_db
class TestIsolation:
    @pytest.mark.parametrize("before", ["serializable", "repeatable read", "read committed"])
    def test_whoever_waited_for_a_lock_sees_what_others_did(self, before: str) -> None:
        set_locally("default_transaction_isolation", before)

        prepare_connection(connection=connection)

        with connection.cursor() as cursor:
            cursor.execute("SHOW default_transaction_isolation")
            assert cursor.fetchall() == [("read committed",)]
