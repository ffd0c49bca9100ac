"""optout/long_answers.py: how the client's connection ends. The rest is in the tests of downloads and of `show_opt`."""

import socket
from collections.abc import Generator, Iterator
from threading import Event
from unittest.mock import patch

import pytest

from optout.long_answers import DeadlineError, LongAnswer
from optout.slots import slots
from optout.turns import TurnPool

type Line = tuple[socket.socket, socket.socket]


@pytest.fixture
def line() -> Iterator[Line]:
    """A connection: the end that a server lends, and the client's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname(), timeout=20) as client,
        listening.accept()[0] as lent,
    ):
        yield lent, client


def pieces(*, broken: bool = False) -> Generator[bytes]:
    yield b"one\n"
    yield b"two\n"
    if broken:
        raise OSError("the disk")


def failing() -> Generator[bytes]:
    yield bytes([1 // 0])


def begin(source: Generator[bytes], lent: socket.socket) -> LongAnswer:
    slot = slots.take("somebody")
    assert slot is not None
    return LongAnswer(source, slot, lent)


def end(answer: LongAnswer, lent: socket.socket) -> None:
    """What the server does at last: it ends the connection in good order."""
    answer.close()
    lent.setblocking(True)
    try:
        lent.shutdown(socket.SHUT_WR)
    except OSError:
        assert not answer.is_complete
    lent.close()


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(100), b""))


class TestTheConnection:
    def test_a_whole_answer_ends_it(self, line: Line) -> None:
        lent, client = line
        answer = begin(pieces(), lent)
        for piece in answer:
            lent.sendall(piece)
        end(answer, lent)

        assert read_all(client) == b"one\ntwo\n"

    def test_half_an_answer_breaks_it(self, line: Line) -> None:
        lent, client = line
        answer = begin(pieces(broken=True), lent)
        lent.sendall(next(answer) + next(answer))
        with pytest.raises(OSError, match="the disk"):
            next(answer)
        end(answer, lent)

        with pytest.raises(ConnectionResetError):
            read_all(client)

    def test_so_does_one_that_the_server_gave_up(self, line: Line) -> None:
        """It could not write any more, for the client read nothing: no error ever came from the pieces."""
        lent, client = line
        answer = begin(pieces(), lent)
        lent.sendall(next(answer))
        end(answer, lent)

        with pytest.raises(ConnectionResetError):
            read_all(client)

    def test_and_a_process_that_dies_while_it_answers(self, line: Line) -> None:
        lent, client = line
        answer = begin(pieces(), lent)
        lent.sendall(next(answer))
        lent.close()  # as the kernel does

        with pytest.raises(ConnectionResetError):
            read_all(client)
        answer.close()

    def test_before_the_first_piece_an_error_can_still_be_answered(self, line: Line) -> None:
        lent, client = line
        answer = begin(failing(), lent)
        with pytest.raises(ZeroDivisionError):
            next(answer)
        answer.close()
        lent.sendall(b"500")
        lent.close()

        assert read_all(client) == b"500"

    def test_a_client_that_reads_nothing_holds_the_server_until_the_deadline(
        self, line: Line
    ) -> None:
        lent, _client = line
        with patch("optout.long_answers.monotonic", return_value=1000.0) as clock:
            answer = begin(pieces(), lent)
            next(answer)
            assert lent.gettimeout() == 1800
            clock.return_value += 60
            next(answer)
            assert lent.gettimeout() == 1740
            clock.return_value += 1740
            with pytest.raises(StopIteration):
                next(answer)
        answer.close()
        assert lent.gettimeout() is None

    def test_at_the_deadline_it_is_over(self, line: Line) -> None:
        lent, client = line
        with patch("optout.long_answers.monotonic", return_value=1000.0) as clock:
            answer = begin(pieces(), lent)
            next(answer)
            clock.return_value += 1800
            with pytest.raises(DeadlineError):
                next(answer)
        end(answer, lent)

        with pytest.raises(ConnectionResetError):
            client.recv(100)


class TestTheSlot:
    def test_it_is_given_back_whatever_happens(self, line: Line) -> None:
        for source in (pieces(), pieces(broken=True)):
            answer = begin(source, line[0])
            assert slots.take("somebody") is None
            answer.close()
            answer.close()
        begin(pieces(), line[0]).close()


class TestTheTurn:
    def test_others_work_while_it_is_sent(self, line: Line) -> None:
        """A client that reads slowly keeps nobody from opting out."""
        pool, is_sent = TurnPool(1, 2), Event()

        def send() -> list[bytes]:
            answer = begin(pieces(), line[0])
            sent = [next(answer)]
            assert is_sent.wait(10)
            sent += answer
            answer.close()
            return sent

        download = pool.submit(send)
        try:
            assert pool.submit(divmod, 7, 2).result(10) == (3, 1)
        finally:
            is_sent.set()
            pool.shutdown()
        assert download.result(10) == [b"one\n", b"two\n"]
