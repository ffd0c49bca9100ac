"""A hostile receiver for the tests of sending, which may be called though it is on this machine."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from reporting.webhooks import names
from tests.receiver import HOST, Receiver, start_receiver
from tests.receiver.certificates import make_certificates


@pytest.fixture(scope="session")
def _running_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, Path]]:
    certificates, authority = make_certificates(tmp_path_factory.mktemp("certificates"))
    with start_receiver(certificates=certificates) as receiver:
        yield receiver, authority


@pytest.fixture
def receiver(_running_receiver: tuple[Receiver, Path], settings: Settings) -> Receiver:
    """A receiver that remembers nothing, at the one address that may be called."""
    receiver, _authority = _running_receiver
    receiver.reset()
    settings.WEBHOOK_ALLOW_CIDRS = [f"{HOST}/32"]
    return receiver


@pytest.fixture
def authority(_running_receiver: tuple[Receiver, Path]) -> Path:
    """The certificate of who signed the receiver's right one."""
    return _running_receiver[1]


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say where every name leads: to the first of these answers at first, then to the next, and to the last for ever."""

    def set_answers(*answers: list[str]) -> None:
        left = list(answers)

        def answer(_host: str, _port: object, **_: object) -> list[tuple]:
            found = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in found]

        monkeypatch.setattr(names, "getaddrinfo", answer)
        monkeypatch.setattr(names, "KEPT", -1.0)

    return set_answers
