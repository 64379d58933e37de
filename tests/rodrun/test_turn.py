"""TURN, as an operator sets it up."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rodrun.command_line import app
from rodrun.settings import SettingsError, load
from rodrun.turn import turn_servers
from turn_config.credentials import TurnServers

SECRET = "s" * 32
URL = "turn:turn.example.com:3478?transport=tcp"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file that both have."""
    path = tmp_path / "turn-secret"
    path.write_text(SECRET + "\n")
    return path


def run(*arguments: object) -> tuple[int, str]:
    """Exit status, and everything that was said, in one line if it is an error."""
    result = CliRunner().invoke(app, ["turn-config", *(str(each) for each in arguments)])
    return result.exit_code, result.output if not result.exit_code else result.output.strip()


def test_the_file_for_coturn(secret: Path) -> None:
    status, said = run(
        *("--realm", "turn.example.com", "--secret-file", secret),
        *("--node", "192.0.2.1", "--node", "2001:db8::1", "--listen", "192.0.2.9"),
        *("--port", 3479, "--tls", "/etc/a.pem,/etc/b.pem", "--tls-port", 443),
    )
    assert status == 0, said
    lines = said.splitlines()
    for each in (
        "use-auth-secret",
        f"static-auth-secret={SECRET}",
        "realm=turn.example.com",
        "listening-ip=192.0.2.9",
        "listening-port=3479",
        "tls-listening-port=443",
        "cert=/etc/a.pem",
        "pkey=/etc/b.pem",
        "allowed-peer-ip=192.0.2.1",
        "allowed-peer-ip=2001:db8::1",
        "no-cli",
    ):
        assert lines.count(each) == 1, each
    assert "no-tls" not in lines


def test_what_serve_is_told_need_not_be_told_twice(
    secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "rodrun.toml"
    config.write_text(f'announce = ["192.0.2.7"]\nturn_secret_file = "{secret}"\n')
    monkeypatch.setenv("RODRUN_MAX_VIDEO_BPS", "5000000")
    status, said = run("--realm", "turn.example.com", "--config", config)
    assert status == 0, said
    assert "allowed-peer-ip=192.0.2.7\n" in said
    assert f"static-auth-secret={SECRET}\n" in said
    assert "max-bps=1562500\n" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--node", "192.0.2.1"), "name the file with the secret: --secret-file"),
        (("--secret-file", "{secret}"), "name the addresses at which browsers reach"),
        (("--secret-file", "absent"), "No such file or directory: 'absent'"),
        (("--secret-file", "{secret}", "--tls", "one.pem"), "--tls takes two PEM files: CERT,KEY"),
    ],
)
def test_one_sentence_says_what_is_missing(
    secret: Path, arguments: tuple[str, ...], said: str
) -> None:
    status, told = run("--realm", "a.example", *(each.format(secret=secret) for each in arguments))
    assert status == 2
    assert said in told
    assert len(told.splitlines()) == 1


def test_the_servers_that_pages_are_told_of(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert turn_servers(load(None, {})) is None
    monkeypatch.setenv("RODRUN_TURN_URL", f"{URL}, turns:turn.example.com")
    monkeypatch.setenv("RODRUN_TURN_SECRET_FILE", str(secret))
    found = turn_servers(load(None, {}))
    assert found == TurnServers((URL, "turns:turn.example.com"), SECRET)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"turn_url": (URL,)}, "the secret that the TURN server knows is missing"),
        ({"turn_secret_file": "{secret}"}, "name the TURN server by its URL"),
        ({"turn_url": ("stun:a.example",), "turn_secret_file": "{secret}"}, "is no TURN URL"),
        ({"turn_url": (URL,), "turn_secret_file": "absent"}, "No such file or directory"),
        ({"turn_url": (URL,), "turn_secret_file": "{short}"}, "32 to 256 characters"),
    ],
)
def test_both_or_none(secret: Path, tmp_path: Path, given: dict[str, object], said: str) -> None:
    short = tmp_path / "short"
    short.write_text("x" * 31)
    if "turn_secret_file" in given:
        file = str(given["turn_secret_file"]).format(secret=secret, short=short)
        given = {**given, "turn_secret_file": file}
    with pytest.raises(SettingsError, match=f"turn_url, turn_secret_file: .*{said}"):
        turn_servers(load(None, given))
