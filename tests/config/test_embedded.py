"""config/embedded.py and keeper.py: one server for all who need it, gone with the last, whole after a crash.

Every user of a server is a process of its own here: this one must keep the server that the other tests run on.
"""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
JOIN = """
import sys
from pathlib import Path
from config.embedded import ensure_server
print(ensure_server(Path(sys.argv[1]), durable=sys.argv[2] == "durable"), flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.system


class Member:
    """A process that has joined the server of a data folder."""

    def __init__(self, data: Path, kind: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOIN, str(data), kind],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.socket = self.process.stdout.readline().strip()

    def ask(self, question: str, *, user: str = "heed") -> object:
        with psycopg.connect(
            host=self.socket, user=user, dbname="heed", autocommit=True
        ) as connection:
            row = connection.execute(question).fetchone()
            return row and row[0]

    def leave(self) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


Join = Callable[..., Member]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    data = tmp_path / "pg"
    yield data
    wait_for_end(data)


@pytest.fixture
def join(data: Path) -> Iterator[Join]:
    members: list[Member] = []

    def joined(where: Path = data, *, kind: str = "throwaway") -> Member:
        members.append(Member(where, kind))
        return members[-1]

    yield joined
    for member in members:
        if member.process.poll() is None:
            member.leave()


def wait_for_end(data: Path) -> None:
    """The keeper holds this lock as long as it lives."""
    with data.with_name(f"{data.name}.keeper").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)


def server_pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def keeper_pid(data: Path) -> int:
    """The keeper is the server's parent."""
    status = Path(f"/proc/{server_pid(data)}/stat").read_text()
    return int(status.rsplit(")", 1)[1].split()[1])


class TestSharing:
    def test_the_last_one_out_stops_it_even_if_killed(self, data: Path, join: Join) -> None:
        first, second = join(), join()
        pid = server_pid(data)

        first.leave()

        assert second.ask("select 1") == 1
        assert server_pid(data) == pid
        second.kill()
        wait_for_end(data)
        assert not (data / "postmaster.pid").exists()

    def test_what_was_written_is_there_next_time(self, data: Path, join: Join) -> None:
        first = join(kind="durable")
        with psycopg.connect(host=first.socket, user="heed", dbname="heed") as connection:
            connection.execute("create table kept as select 7 as number")
        first.leave()
        wait_for_end(data)

        assert join(kind="durable").ask("select number from kept") == 7

    def test_it_listens_to_nobody_but_its_own_user(self, data: Path, join: Join) -> None:
        member = join()

        assert member.ask("show listen_addresses") == ""
        assert stat.S_IMODE(Path(member.socket).stat().st_mode) == 0o700

    def test_the_application_is_no_superuser(self, join: Join) -> None:
        assert join().ask("select rolsuper from pg_roles where rolname = current_user") is False

    def test_a_long_path_gets_a_private_folder_for_the_socket(
        self, tmp_path: Path, join: Join
    ) -> None:
        far = tmp_path / ("long" * 20) / "pg"

        member = join(far)

        assert member.ask("select 1") == 1
        assert Path(member.socket) != far
        assert stat.S_IMODE(Path(member.socket).stat().st_mode) == 0o700
        member.leave()
        wait_for_end(far)
        Path(member.socket).rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the keeper through /proc")
class TestAfterACrash:
    def test_a_server_whose_keeper_was_killed_is_taken_over(self, data: Path, join: Join) -> None:
        first = join()
        pid = server_pid(data)
        os.kill(keeper_pid(data), signal.SIGKILL)
        wait_for_end(data)

        second = join()

        assert server_pid(data) == pid
        assert (first.ask("select 1"), second.ask("select 1")) == (1, 1)

    def test_a_pid_file_with_a_number_now_used_by_others_is_not_believed(
        self, data: Path, join: Join
    ) -> None:
        join(kind="durable").leave()
        wait_for_end(data)
        stale = [str(os.getpid()), str(data), "1", "5432", str(data), "", "1 1", "ready"]
        (data / "postmaster.pid").write_text("\n".join(stale) + "\n")

        assert join(kind="durable").ask("select 1") == 1

    def test_durable_data_is_recovered(self, data: Path, join: Join) -> None:
        first = join(kind="durable")
        with psycopg.connect(host=first.socket, user="heed", dbname="heed") as connection:
            connection.execute("create table kept as select 7 as number")
        os.kill(server_pid(data), signal.SIGKILL)
        wait_for_end(data)
        first.kill()

        assert join(kind="durable").ask("select number from kept") == 7

    def test_throwaway_data_is_made_anew(self, data: Path, join: Join) -> None:
        first = join()
        with psycopg.connect(host=first.socket, user="heed", dbname="heed") as connection:
            connection.execute("create table lost as select 7 as number")
        os.kill(server_pid(data), signal.SIGKILL)
        wait_for_end(data)
        first.kill()

        assert join().ask("select count(*) from pg_tables where tablename = 'lost'") == 0
