"""The TLS certificate of a server that has none: phones give a camera to HTTPS pages only."""

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rodrun.settings import SettingsError

VALID_DAYS = 365
"""Apple's browsers refuse server certificates that are valid for more than 825 days."""


def tls_context(setting: str, data_dir: Path, hosts: list[str]) -> ssl.SSLContext | None:
    """The server's TLS context for the ``tls`` setting; None for plain HTTP.

    Raises:
        SettingsError: when a named file cannot be read or is no certificate and key.
    """
    if not setting:
        return None
    if setting == "auto":
        certificate, key = data_dir / "tls-certificate.pem", data_dir / "tls-key.pem"
        if not _serves(certificate, hosts) or not key.is_file():
            _make(certificate, key, hosts)
    else:
        certificate, key = (Path(part.strip()) for part in setting.split(","))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"tls: cannot use {certificate} with {key}: {error}") from error
    return context


def _serves(path: Path, hosts: list[str]) -> bool:
    """Whether the certificate in ``path`` still stands for all ``hosts``."""
    if not path.is_file():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    now = datetime.datetime.now(datetime.UTC)
    return set(_general_names(hosts)) <= set(names) and certificate.not_valid_after_utc > now


def _general_names(hosts: list[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _make(certificate_path: Path, key_path: Path, hosts: list[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rodrun (self-signed)")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_general_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
