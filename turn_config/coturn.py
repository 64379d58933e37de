"""``turnserver.conf`` for coturn, of which a call needs one thing: to relay to the media node.

The options are those of coturn 4.6.1 (Debian 12), by its manual page ``turnserver(1)``. Later
versions warn of ``no-cli``, ``no-dtls``, ``no-tlsv1`` and ``no-tlsv1_1``, which are their defaults.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from turn_config.credentials import check_secret

# Browsers allocate beforehand, needed or not: over UDP, TCP and TLS, from IPv4 and IPv6, for
# each connection. A rejoin has two connections for a moment, and so has a check of the network.
# Three times that, for what a closed page had over UDP lasts ten minutes more.
ALLOCATIONS_A_CONNECTION = 3 * 2
ALLOCATIONS_A_USER = 3 * 2 * ALLOCATIONS_A_CONNECTION
# 1000 people who are in a call; each allocation has one of coturn's 16 384 ports.
ALLOCATIONS = 1000 * ALLOCATIONS_A_CONNECTION
# Camera and screen may each have the node's limit. With a quarter more for sound, repairs, RTCP and
# the headers, a call fits; more than that no call needs.
VIDEOS, OVERHEAD = 2, 1.25
NONCE_LIFETIME_S = 600

_REALM = re.compile(r"[A-Za-z0-9.-]{1,127}")
# Line ends would begin another option, and coturn cuts blanks and quotes off.
_PATH = re.compile(r"/[^\x00-\x1f\x7f\"]*[^\x00-\x20\x7f\"]")


@dataclass(frozen=True)
class Coturn:
    """A TURN server beside a media node.

    Attributes:
        realm: its domain name, which browsers are told with the challenge.
        secret: what it shares with control.
        nodes: the node's addresses as browsers are told them; nothing else is relayed to.
        listen: addresses to listen on; none: all of the machine's.
        port: for UDP and TCP.
        tls_port: for TLS over TCP.
        certificate, key: PEM files for TLS; both or neither, and without them there is no TLS.
        max_video_bps: the node's cap of each video stream, bits per second.

    Raises:
        ValueError: when one of these cannot be used.
    """

    realm: str
    secret: str = field(repr=False)
    nodes: Sequence[str]
    listen: Sequence[str] = ()
    port: int = 3478
    tls_port: int = 5349
    certificate: Path | None = None
    key: Path | None = None
    max_video_bps: int = 2_500_000

    def __post_init__(self) -> None:
        check_secret(self.secret)
        if not _REALM.fullmatch(self.realm):
            raise ValueError(f"the realm must be a domain name, not {self.realm!r}")
        if not self.nodes:
            raise ValueError("name the addresses at which browsers reach the media node")
        for host in self.nodes:
            if ip_address(host).is_loopback:
                raise ValueError(f"coturn relays nothing to {host}, a loopback address")
        for host in self.listen:
            ip_address(host)
        for port in (self.port, self.tls_port):
            if not 1 <= port <= 65535:
                raise ValueError(f"{port} is no port")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS needs both a certificate and its key")
        for path in (self.certificate, self.key):
            if path is not None and not _PATH.fullmatch(str(path)):
                raise ValueError(f"coturn needs the absolute path of a file, not {str(path)!r}")

    def settings(self) -> str:
        """The text of turnserver.conf."""
        groups = (
            ("Holds the secret: only coturn may read this file.", ()),
            (
                "Credentials that expire; the rodrun server with the same secret gives them out.",
                (
                    "use-auth-secret",
                    f"static-auth-secret={self.secret}",
                    f"realm={self.realm}",
                    f"stale-nonce={NONCE_LIFETIME_S}",
                    "fingerprint",
                ),
            ),
            (
                "Where browsers come in.",
                (
                    *(f"listening-ip={ip_address(host)}" for host in self.listen),
                    f"listening-port={self.port}",
                    *self._tls(),
                    "no-dtls",
                ),
            ),
            (
                "Media goes to the node by UDP, and nothing goes anywhere else.",
                (
                    "denied-peer-ip=0.0.0.0-255.255.255.255",
                    "denied-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                    *(f"allowed-peer-ip={ip_address(host)}" for host in self.nodes),
                    "no-multicast-peers",
                    "no-tcp-relay",
                ),
            ),
            (
                "Allocations of one user, and of all; octets a second of one, each way.",
                (
                    f"user-quota={ALLOCATIONS_A_USER}",
                    f"total-quota={ALLOCATIONS}",
                    f"max-bps={math.ceil(VIDEOS * OVERHEAD * self.max_video_bps / 8)}",
                ),
            ),
            ("No remote control, no answers larger than the question.", ("no-cli", "no-rfc5780")),
        )
        return "\n".join("\n".join((f"# {why}", *options, "")) for why, options in groups)

    def _tls(self) -> tuple[str, ...]:
        if self.certificate is None:
            return ("no-tls",)
        return (
            f"tls-listening-port={self.tls_port}",
            f"cert={self.certificate}",
            f"pkey={self.key}",
            "no-tlsv1",
            "no-tlsv1_1",
        )
