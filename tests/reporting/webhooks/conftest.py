"""A hostile receiver for the tests of sending, which may be called though it is on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

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
