"""Control's own secret."""

from pathlib import Path

import pytest

from control.adapters.secret import own_secret


def test_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    secret = own_secret(tmp_path / "var")
    assert len(secret) == 32
    assert own_secret(tmp_path / "var") == secret
    assert (tmp_path / "var" / "control-secret").stat().st_mode & 0o777 == 0o600
    assert own_secret(tmp_path / "elsewhere") != secret


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "control-secret").write_bytes(b"short")
    with pytest.raises(ValueError, match="damaged"):
        own_secret(tmp_path)
