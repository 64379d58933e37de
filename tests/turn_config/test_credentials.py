"""Credentials of TURN servers, against values that OpenSSL computed."""

import pytest

from turn_config.credentials import IceServer, TurnServers

SECRET = "north-wind-north-wind-north-wind-"
URLS = ("turn:turn.example.com:3478?transport=tcp", "turns:turn.example.com:443")
NOW = 1_800_000_000.0
DAY_S = 86_400.0


def test_what_a_browser_is_given() -> None:
    # user=$(printf maria | openssl dgst -sha256 -hmac $SECRET | … the first 24 digits)
    # printf 1800086400:$user | openssl dgst -sha1 -hmac $SECRET -binary | base64
    assert TurnServers(URLS, SECRET).credentials("maria", NOW, DAY_S) == IceServer(
        URLS, "1800086400:bdbebd6b4c7dee846d82bce1", "tYejRl5stGhQ8YNOKz5GE5gXUyE="
    )


def test_they_are_good_for_no_less_than_was_asked_for() -> None:
    servers = TurnServers(URLS, SECRET)
    assert servers.credentials("maria", NOW + 0.2, 60).username.startswith("1800000061:")


@pytest.mark.parametrize("user_id", ["мария", "maria:olga", "maria@example.com", "m" * 200, ""])
def test_a_user_has_one_name_there_that_tells_nobody_who_it_is(user_id: str) -> None:
    servers = TurnServers(URLS, SECRET)
    (_, first), (_, later) = (
        servers.credentials(user_id, now, DAY_S).username.split(":") for now in (NOW, NOW + 1)
    )
    assert first == later
    assert len(first) == 24
    assert set(first) <= set("0123456789abcdef")
    (_, other) = servers.credentials(user_id + "x", NOW, DAY_S).username.split(":")
    (_, elsewhere) = (
        TurnServers(URLS, SECRET[::-1]).credentials(user_id, NOW, 1).username.split(":")
    )
    assert len({first, other, elsewhere}) == 3


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(TurnServers(URLS, SECRET))


@pytest.mark.parametrize(
    "url",
    [
        "turn:192.0.2.1",
        "turn:turn.example.com",
        "turn:turn.example.com:3478",
        "turn:turn.example.com?transport=udp",
        "turns:[2001:db8::1]:443?transport=tcp",
    ],
)
def test_urls_of_turn(url: str) -> None:
    assert TurnServers((url,), SECRET).urls == (url,)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "turn:",
        "stun:stun.example.com",
        "https://turn.example.com",
        "turn://turn.example.com",
        "turn:user@turn.example.com",
        "turn:turn.example.com:0",
        "turn:turn.example.com:65536",
        "turn:turn.example.com?transport=sctp",
        "turn:[2001:db8::1",
        "turn:[turn.example.com]",
        "turn:2001:db8::1",
        "turn:turn.example.com\n",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no TURN URL \(RFC 7065\), like turn:"):
        TurnServers((URLS[0], url), SECRET)


def test_no_url() -> None:
    with pytest.raises(ValueError, match="name the TURN server by its URL"):
        TurnServers((), SECRET)


@pytest.mark.parametrize("secret", ["", "x" * 31, "x" * 257, "=" * 40, SECRET + '"', SECRET + "\n"])
def test_secrets_that_cannot_be_used(secret: str) -> None:
    with pytest.raises(ValueError, match="32 to 256 characters of base64"):
        TurnServers(URLS, secret)
