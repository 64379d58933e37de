"""Where settings come from, and what is said of those that cannot be used."""

from pathlib import Path

import pytest

from control.consultations.policy import PLATFORM, DropAction, LinkPolicy
from rodrun.serve import policy, worker_settings
from rodrun.settings import SettingsError, load
from sfu.api import VideoCodec
from sfu.plane import PlaneSettings


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "rodrun.toml"
    path.write_text('http_port = 9001\nudp_port = 9002\nannounce = ["192.0.2.7"]\n')
    return path


def test_command_line_wins_over_environment_over_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RODRUN_HTTP_PORT", "9100")
    monkeypatch.setenv("RODRUN_UDP_PORT", "9200")
    settings = load(config, {"http_port": 9300, "udp_port": None})
    assert (settings.http_port, settings.udp_port) == (9300, 9200)
    assert settings.announce == ("192.0.2.7",)


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODRUN_ANNOUNCE", "192.0.2.1, 2001:db8::1")
    monkeypatch.setenv("RODRUN_VIDEO_CODEC", "av1")
    settings = load(None, {})
    assert settings.announce == ("192.0.2.1", "2001:db8::1")
    assert settings.video_codec is VideoCodec.AV1


def test_times_to_answer_and_to_connect_are_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = load(None, {})
    assert (platform.accept_within_s, platform.start_within_s) == (300, 120)
    monkeypatch.setenv("RODRUN_ACCEPT_WITHIN_S", "10")
    file = tmp_path / "rodrun.toml"
    file.write_text("start_within_s = 3600")
    settings = load(file, {})
    assert (settings.accept_within_s, settings.start_within_s) == (10, 3600)


def test_what_a_silence_does_is_the_operators_for_each_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert policy(load(None, {})) == PLATFORM
    monkeypatch.setenv("RODRUN_SUSPECT_AFTER_S", "2.5")
    monkeypatch.setenv("RODRUN_RECONNECTING_AFTER_S", "5")
    monkeypatch.setenv("RODRUN_CLIENT_ON_DROP", "end")
    monkeypatch.setenv("RODRUN_CLIENT_DROP_AFTER_S", "60")
    monkeypatch.setenv("RODRUN_SPECIALIST_ON_DROP", "announce")
    monkeypatch.setenv("RODRUN_SPECIALIST_DROP_AFTER_S", "20")
    set_ = policy(load(None, {}))
    assert set_.client == LinkPolicy(2.5, 5.0, 60.0, DropAction.END)
    assert set_.specialist == LinkPolicy(2.5, 5.0, 20.0, DropAction.ANNOUNCE)
    monkeypatch.setenv("RODRUN_SPECIALIST_ON_DROP", "go_on")
    assert policy(load(None, {})).specialist.drop_after_s is None
    monkeypatch.setenv("RODRUN_RECONNECTING_AFTER_S", "60")
    with pytest.raises(SettingsError, match="drop_after_s of each role: silence is suspect first"):
        policy(load(None, {}))


def test_how_much_video_is_kept_is_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker_settings(load(None, {})).plane == PlaneSettings()
    monkeypatch.setenv("RODRUN_HISTORY_KIB", "1024")
    monkeypatch.setenv("RODRUN_HISTORY_MS", "2500")
    plane = worker_settings(load(None, {})).plane
    assert (plane.history_octets, plane.history_ns) == (1 << 20, 2_500_000_000)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"history_kib": 16_385}, "history_kib"),
        ({"history_ms": 9}, "history_ms"),
        ({"accept_within_s": 9}, "accept_within_s"),
        # There is nobody whom it would be announced to.
        ({"client_on_drop": "announce"}, "client_on_drop"),
        ({"specialist_drop_after_s": 4}, "specialist_drop_after_s"),
        ({"start_within_s": 3601}, "start_within_s"),
        ({"http_port": 70000}, "http_port"),
        ({"tls": "only-one.pem"}, "CERT,KEY"),
        ({"udp_host": "localhost"}, "udp_host.*'localhost' does not appear to be an IP"),
        ({"announce": ("192.0.2.7", "media.example")}, "announce.*'media.example' does not"),
        ({"colour": "red"}, "colour"),
        ({"webhook_allow_private": "perhaps"}, "webhook_allow_private"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(None, given)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no settings file .*absent\.toml"):
        load(tmp_path / "absent.toml", {})
    broken = tmp_path / "broken.toml"
    broken.write_text("http_port = = 1")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(broken, {})
