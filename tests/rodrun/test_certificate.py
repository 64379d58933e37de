"""The certificate that ``--tls auto`` makes."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from rodrun.certificate import tls_context
from rodrun.settings import SettingsError


def _names(path: Path) -> list[str]:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def test_auto_names_every_host_and_guards_its_key(tmp_path: Path) -> None:
    context = tls_context("auto", tmp_path, ["localhost", "192.0.2.7", "2001:db8::7"])
    assert isinstance(context, ssl.SSLContext)
    assert _names(tmp_path / "tls-certificate.pem") == ["localhost", "192.0.2.7", "2001:db8::7"]
    assert stat.S_IMODE((tmp_path / "tls-key.pem").stat().st_mode) == 0o600


def test_auto_keeps_its_certificate_until_a_host_is_new(tmp_path: Path) -> None:
    tls_context("auto", tmp_path, ["localhost"])
    first = (tmp_path / "tls-certificate.pem").read_bytes()
    tls_context("auto", tmp_path, ["localhost"])
    assert (tmp_path / "tls-certificate.pem").read_bytes() == first
    tls_context("auto", tmp_path, ["localhost", "192.0.2.8"])
    assert (tmp_path / "tls-certificate.pem").read_bytes() != first


def test_no_tls_is_no_context_and_an_unreadable_pair_is_named(tmp_path: Path) -> None:
    assert tls_context("", tmp_path, []) is None
    with pytest.raises(SettingsError, match=r"absent\.pem"):
        tls_context(f"{tmp_path}/absent.pem,{tmp_path}/key.pem", tmp_path, [])
