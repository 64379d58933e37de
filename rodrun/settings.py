"""The settings of ``rodrun serve``: command line, then environment, then file, then default."""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, IPvAnyNetwork, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sfu.api import VideoCodec

Port = Annotated[int, Field(ge=0, le=65535)]
PerSecond = Annotated[float, Field(ge=0.1, le=1e6)]
AtOnce = Annotated[int, Field(ge=1, le=1_000_000)]


class SettingsError(Exception):
    """A setting has a value that cannot be used; the text says which and why."""


class ServeSettings(BaseSettings):
    """What ``rodrun serve`` needs to know. Every field is also ``RODRUN_<FIELD>``.

    Attributes:
        demo: offer sign-in as demo accounts; never on a public machine.
        data_dir: folder of the database, the signing secret and the TLS certificate.
        database_url: ``postgresql://…`` in place of the SQLite file in ``data_dir``.
        http_host: address that the API and the page listen on.
        http_port: their port; 0 takes a free one.
        udp_host: address that media arrives on; ``::`` is every IPv6 and IPv4 address.
        udp_port: its port; 0 takes a free one.
        announce: addresses told to browsers in place of the machine's own (behind NAT).
        tls: empty, ``auto`` (own certificate in ``data_dir``) or ``CERT,KEY`` (PEM files).
        turn_url: URLs of TURN servers that pages are told of (RFC 7065).
        turn_secret_file: file with the secret that these know (coturn's ``static-auth-secret``).
        video_codec: the codec of new rooms.
        max_video_bps: cap of each video stream, bits per second.
        history_kib: video kept for each participant, so that what a browser misses can be sent
            again, KiB (1024 octets); 0 for none.
        history_ms: how old it may become, in milliseconds.
        accept_within_s: a request that is not answered within this many seconds expires.
        start_within_s: how long both have to connect after the acceptance, in seconds.
        suspect_after_s: seconds of silence after which a participant is held suspect.
        reconnecting_after_s: seconds of silence after which the other side is told.
        client_drop_after_s, client_on_drop: more seconds of a client's silence than this ``end``
            the session, or it goes on whatever they are (``go_on``).
        specialist_drop_after_s, specialist_on_drop: the same of a specialist's; ``announce`` ends
            it after a countdown, as when a specialist leaves.
        allowed_origins: origins besides the page's own that may open the event WebSocket.
        jwt_issuer, jwt_audience: what a platform's token must say; both are required with a key.
        jwt_secret: shared HS256 secret of the platform (at least 32 bytes).
        jwks_url: HTTPS URL of the same; read again when tokens come with an unknown key id.
        trusted_proxies: networks of the proxies whose X-Forwarded-For is believed.
        user_requests_per_s, user_requests_at_once: how often one user may ask the API.
        address_requests_per_s, address_requests_at_once: how often one address may.
        synthetic_requests_per_s, synthetic_requests_at_once: how often all users of load tests may,
            together.
        webhook_url: where the platform is told what happens; HTTPS, at a public address.
        webhook_secret: ``whsec_…``, what webhooks are signed with; several while one is changed.
        webhook_allow_private: let ``webhook_url`` be plain HTTP and lead into our own network.
        jwks_file: JWKS file with the platform's public keys (EdDSA, ES256, RS256).
    """

    model_config = SettingsConfigDict(env_prefix="RODRUN_", extra="forbid")

    demo: bool = False
    data_dir: Path = Path("var")
    database_url: str = ""
    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    udp_host: str = "::"
    udp_port: Port = 7878
    announce: Annotated[tuple[str, ...], NoDecode] = ()
    tls: str = ""
    turn_url: Annotated[tuple[str, ...], NoDecode] = ()
    turn_secret_file: Path | None = None
    video_codec: VideoCodec = VideoCodec.VP8
    max_video_bps: int = Field(default=2_500_000, ge=100_000, le=20_000_000)
    history_kib: int = Field(default=384, ge=0, le=16_384)
    history_ms: int = Field(default=1000, ge=10, le=10_000)
    accept_within_s: int = Field(default=300, ge=10, le=3600)
    start_within_s: int = Field(default=120, ge=10, le=3600)
    suspect_after_s: float = Field(default=2.0, ge=1.5, le=60.0)
    reconnecting_after_s: float = Field(default=4.0, ge=1.5, le=60.0)
    client_drop_after_s: float = Field(default=15.0, ge=5.0, le=3600.0)
    client_on_drop: Literal["end", "go_on"] = "go_on"
    specialist_drop_after_s: float = Field(default=15.0, ge=5.0, le=3600.0)
    specialist_on_drop: Literal["end", "announce", "go_on"] = "end"
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_secret: str = ""
    jwks_file: Path | None = None
    jwks_url: str = ""
    webhook_url: str = ""
    webhook_secret: Annotated[tuple[str, ...], NoDecode] = ()
    webhook_allow_private: bool = False
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    user_requests_per_s: PerSecond = 10.0
    user_requests_at_once: AtOnce = 100
    address_requests_per_s: PerSecond = 100.0
    address_requests_at_once: AtOnce = 1000
    synthetic_requests_per_s: PerSecond = 500.0
    synthetic_requests_at_once: AtOnce = 2000

    @field_validator(
        *("announce", "allowed_origins", "trusted_proxies", "turn_url", "webhook_secret"),
        mode="before",
    )
    @classmethod
    def _listed(cls, value: object) -> object:
        """Take ``a,b`` (as an environment variable has it) for a list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("udp_host", "announce")
    @classmethod
    def _addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        """Candidates carry addresses; a name would have to be looked up by every browser."""
        for host in (value,) if isinstance(value, str) else value:
            ip_address(host)
        return value

    @field_validator("tls")
    @classmethod
    def _tls_form(cls, value: str) -> str:
        if value in ("", "auto") or len([part for part in value.split(",") if part]) == 2:
            return value
        raise ValueError("must be 'auto' or two PEM files: CERT,KEY")


def load(config: Path | None, given: dict[str, Any]) -> ServeSettings:
    """Settings from what was ``given`` on the command line, the environment, and a TOML file.

    Raises:
        SettingsError: naming each setting that is wrong.
    """

    class FromFile(ServeSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            if config is None:
                return (init_settings, env_settings)
            file = TomlConfigSettingsSource(settings_cls, toml_file=config)
            return (init_settings, env_settings, file)

    if config is not None and not config.is_file():
        raise SettingsError(f"There is no settings file {config}.")
    try:
        return FromFile(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors()
        ]
        raise SettingsError("These settings cannot be used: " + "; ".join(lines)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config} is not valid TOML: {error}") from error
