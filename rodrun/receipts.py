"""``rodrun verify-receipt`` and ``rodrun rotate-receipt-key``."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console

from control.adapters.receipt_keys import ReceiptKeys, public_keys
from control.adapters.signed_receipt import NotGenuine, continues, verified

FETCH_WITHIN_S = 10.0
# A receipt of a long and lively session has some tens of kB.
MAX_BYTES = 4 * 1024 * 1024

_output = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


class _CannotRead(Exception):
    """A file or an address gives nothing that can be used."""


def verify_receipt(
    receipt: Annotated[Path, typer.Argument(help="The receipt as the API gave it; - is stdin.")],
    keys: Annotated[
        str,
        typer.Option(help="File or URL of the public keys: what /api/v1/receipt-keys gives."),
    ],
    earlier: Annotated[
        Path | None,
        typer.Option(
            help="An older receipt of the same consultation, which this must only add to."
        ),
    ] = None,
) -> None:
    """Verify the signature of a consultation's receipt. Needs no server when the keys are a file.

    Exit status: 0 when the receipt is genuine, 1 when it is not, 2 when something cannot be read.
    """
    try:
        known = _keys(keys)
        told = verified(_read(receipt), known)
        if earlier is not None and not continues(told, verified(_read(earlier), known)):
            raise NotGenuine(f"It does not continue {earlier}: the record was rewritten.")
    except NotGenuine as error:
        _errors.print(f"[bold red]NOT GENUINE:[/] {error}")
        raise typer.Exit(1) from None
    except _CannotRead as error:
        _errors.print(f"[bold red]rodrun:[/] {error}")
        raise typer.Exit(2) from None
    _output.print("[bold green]GENUINE[/]")
    for line in _summary(told):
        _output.print(line, markup=False)


def rotate_receipt_key(
    data_dir: Annotated[Path, typer.Option(help="The data folder of serve.")] = Path("var"),
) -> None:
    """Make a new key for receipts. Those signed so far stay valid: their keys stay published.

    A running server signs with the new key when it is started anew.
    """
    try:
        made = ReceiptKeys.rotate(data_dir)
    except (OSError, ValueError) as error:
        _errors.print(f"[bold red]rodrun:[/] {error}")
        raise typer.Exit(2) from None
    _output.print(f"New key {made.key_id}; {len(made.public) - 1} earlier ones stay published.")


def _summary(receipt: Mapping[str, Any]) -> list[str]:
    end = receipt.get("end") or {}
    state = receipt.get("state")
    reason = f" ({end.get('reason')}, by {end.get('by')})" if end else ""
    return [
        f"consultation {receipt.get('consultation_id')}, told to the {receipt.get('issued_to')}",
        f"{state}{reason}, {receipt.get('paid_s')} s with both connected, "
        f"{len(receipt.get('events', ()))} events",
    ]


def _keys(source: str) -> dict[str, Ed25519PublicKey]:
    content = _fetch(source) if source.startswith(("http://", "https://")) else _read(Path(source))
    try:
        return public_keys(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise _CannotRead(f"{source} holds no public keys: {error}") from error


def _read(path: Path) -> bytes:
    try:
        if path == Path("-"):
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _CannotRead(f"cannot read {path}: {error.strerror}") from error


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=FETCH_WITHIN_S) as response:
            content: bytes = response.read(MAX_BYTES)
            return content
    except urllib.error.HTTPError as error:
        error.close()
        raise _CannotRead(f"cannot get {url}: it answers with status {error.code}") from error
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise _CannotRead(f"cannot get {url}: {reason}") from error
