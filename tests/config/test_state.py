from pathlib import Path

from config.state import FIRST_ADDRESS, kept_secret, remember_address, served_address


class TestSecrets:
    def test_one_is_made_once_and_is_ours_alone(self, tmp_path: Path) -> None:
        first = kept_secret(tmp_path / "state", "pepper")

        assert kept_secret(tmp_path / "state", "pepper") == first
        assert len(first) >= 50
        kept = tmp_path / "state" / "secrets" / "pepper"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert kept.parent.stat().st_mode & 0o777 == 0o700

    def test_two_names_are_two_secrets(self, tmp_path: Path) -> None:
        assert kept_secret(tmp_path, "a") != kept_secret(tmp_path, "b")


class TestAddress:
    def test_the_last_one_is_remembered(self, tmp_path: Path) -> None:
        assert served_address(tmp_path) == FIRST_ADDRESS
        remember_address(tmp_path / "state", "http://localhost:9000")
        assert served_address(tmp_path / "state") == "http://localhost:9000"
