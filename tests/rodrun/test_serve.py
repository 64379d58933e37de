"""What ``rodrun serve`` says when it cannot start."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rodrun.serve import ServeError, serve
from rodrun.settings import SettingsError, load

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0


@contextmanager
def taken(kind: socket.SocketKind) -> Iterator[int]:
    """A port of this machine that somebody else has."""
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((HOST, 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        yield other.getsockname()[1]


def run(folder: Path, *options: str) -> tuple[int, str]:
    """Exit status of ``rodrun serve`` and what it says to its operator, in one line.

    The plane is not compiled, for it has nothing to forward.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RODRUN_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "rodrun", "serve", "--data-dir", str(folder)),
            *("--http-host", HOST, "--http-port", "0", "--udp-host", HOST, "--udp-port", "0"),
            *options,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        env={**kept, "NUMBA_DISABLE_JIT": "1", "COLUMNS": "80"},
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Page and API" not in done.stdout
    return done.returncode, " ".join(done.stderr.split())


def test_taken_http_port(tmp_path: Path) -> None:
    with taken(socket.SOCK_STREAM) as port:
        status, said = run(tmp_path / "data", "--demo", "--http-port", str(port))
    assert status == 2
    assert f"rodrun: cannot listen on {HOST} port {port}: " in said
    assert "address already in use" in said
    assert said.endswith("Choose another with --http-host and --http-port.")


def test_taken_udp_port(tmp_path: Path) -> None:
    with taken(socket.SOCK_DGRAM) as port:
        status, said = run(tmp_path / "data", "--demo", "--udp-port", str(port))
    assert status == 2
    assert f"rodrun: cannot receive media on {HOST} UDP port {port}: Address already in use" in said
    assert said.endswith("Choose another with --udp-host and --udp-port.")


def test_nobody_may_sign_in(tmp_path: Path) -> None:
    status, said = run(tmp_path / "data")
    assert status == 2
    assert "rodrun: say who may sign in" in said
    assert "rodrun serve --demo" in said
    assert "RODRUN_JWT_ISSUER, RODRUN_JWT_AUDIENCE" in said
    assert not (tmp_path / "data").exists()


def test_setting_out_of_range(tmp_path: Path) -> None:
    status, said = run(tmp_path / "data", "--demo", "--http-port", "70000")
    assert status == 2
    assert "rodrun: These settings cannot be used: http_port: " in said


async def test_file_in_the_place_of_the_data_folder(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("not a folder")
    with pytest.raises(ServeError, match=f"cannot use the data folder {re.escape(str(place))}: "):
        await serve(load(None, {"demo": True, "data_dir": place}))
    assert place.read_text() == "not a folder"


async def test_platforms_key_without_its_issuer(tmp_path: Path) -> None:
    settings = load(None, {"jwt_secret": "s" * 32, "data_dir": tmp_path})
    with pytest.raises(SettingsError, match="jwt_issuer and jwt_audience must be set"):
        await serve(settings)


async def test_demo_accounts_beside_a_platforms_tokens(tmp_path: Path) -> None:
    given = {"jwt_secret": "s" * 32, "jwt_issuer": "a", "jwt_audience": "b", "demo": True}
    with pytest.raises(SettingsError, match="either the demo accounts or the platform's tokens"):
        await serve(load(None, {**given, "data_dir": tmp_path}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"webhook_url": "https://platform.example/"}, "need a secret"),
        ({"webhook_url": "http://platform.example/"}, "must begin with https://"),
        (
            {"webhook_url": "https://platform.example/", "webhook_secret": "secret"},
            "whsec_ and base64",
        ),
    ],
)
async def test_webhooks_that_cannot_be(tmp_path: Path, given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=f"webhook_url, webhook_secret: .*{said}"):
        await serve(load(None, {**given, "demo": True, "data_dir": tmp_path}))


async def test_database_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://rodrun@/rodrun?host={tmp_path}"
    settings = load(None, {"demo": True, "data_dir": tmp_path, "database_url": url})
    with pytest.raises(ServeError, match="cannot open the database: "):
        await serve(settings)


async def test_database_that_has_no_such_kind(tmp_path: Path) -> None:
    settings = load(None, {"demo": True, "data_dir": tmp_path, "database_url": "mysql://a/b"})
    with pytest.raises(SettingsError, match="RODRUN_DATABASE_URL cannot be used"):
        await serve(settings)
