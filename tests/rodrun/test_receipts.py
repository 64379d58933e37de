"""The commands about receipts, as someone calls them who has only the files."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from control.adapters.receipt_keys import ReceiptKeys
from control.adapters.signed_receipt import sign
from rodrun.command_line import app

RECEIPT: dict[str, Any] = {
    "version": 1,
    "issued_to": "client",
    "consultation_id": "c1",
    "state": "ended",
    "end": {"reason": "completed", "by": "service", "detail": None},
    "paid_s": 1799.5,
    "events": [{"seq": 1}],
}


@pytest.fixture
def keys(tmp_path: Path) -> ReceiptKeys:
    """The server's keys, with the public ones in keys.json."""
    made = ReceiptKeys.open(tmp_path / "var")
    (tmp_path / "keys.json").write_text(json.dumps(made.published()))
    return made


@pytest.fixture
def receipt(keys: ReceiptKeys, tmp_path: Path) -> Path:
    """A genuine receipt."""
    path = tmp_path / "receipt.json"
    path.write_bytes(sign(RECEIPT, keys).json())
    return path


def run(*arguments: object, stdin: bytes = b"") -> tuple[int, str]:
    """The exit status, and everything that was said."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)
    return result.exit_code, result.output


def test_genuine(receipt: Path, tmp_path: Path) -> None:
    status, said = run("verify-receipt", receipt, "--keys", tmp_path / "keys.json")
    assert status == 0, said
    assert "GENUINE" in said
    assert "1799.5 s with both connected" in said


def test_changed(receipt: Path, tmp_path: Path) -> None:
    receipt.write_bytes(receipt.read_bytes().replace(b"1799.5", b"1800.5"))
    status, said = run("verify-receipt", receipt, "--keys", tmp_path / "keys.json")
    assert (status, "NOT GENUINE" in said) == (1, True)


def test_from_standard_input(receipt: Path, tmp_path: Path) -> None:
    arguments = ("verify-receipt", "-", "--keys", tmp_path / "keys.json")
    assert run(*arguments, stdin=receipt.read_bytes())[0] == 0
    assert run(*arguments, stdin=b"{}")[0] == 1


def test_with_the_keys_after_a_rotation(receipt: Path, tmp_path: Path) -> None:
    status, said = run("rotate-receipt-key", "--data-dir", tmp_path / "var")
    assert status == 0, said
    new = ReceiptKeys.open(tmp_path / "var")
    assert new.key_id in said
    (tmp_path / "keys.json").write_text(json.dumps(new.published()))
    assert run("verify-receipt", receipt, "--keys", tmp_path / "keys.json")[0] == 0
    receipt.write_bytes(sign(RECEIPT, new).json())
    assert run("verify-receipt", receipt, "--keys", tmp_path / "keys.json")[0] == 0


def test_a_later_one_must_continue_the_earlier_one(
    keys: ReceiptKeys, receipt: Path, tmp_path: Path
) -> None:
    later, rewritten = tmp_path / "later.json", tmp_path / "rewritten.json"
    later.write_bytes(sign({**RECEIPT, "events": [{"seq": 1}, {"seq": 2}]}, keys).json())
    rewritten.write_bytes(sign({**RECEIPT, "events": [{"seq": 2}]}, keys).json())
    arguments = ("--keys", tmp_path / "keys.json", "--earlier", receipt)
    assert run("verify-receipt", later, *arguments)[0] == 0
    status, said = run("verify-receipt", rewritten, *arguments)
    assert (status, "rewritten" in said) == (1, True)


@pytest.mark.parametrize("content", ["", "[]", '{"keys": [{"kty": "OKP", "crv": "Ed25519"}]}'])
def test_keys_that_are_none(receipt: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    assert run("verify-receipt", receipt, "--keys", tmp_path / "keys.json")[0] == 2


def test_files_that_are_not_there(receipt: Path, tmp_path: Path) -> None:
    assert run("verify-receipt", receipt, "--keys", tmp_path / "none.json")[0] == 2
    assert run("verify-receipt", tmp_path / "none", "--keys", tmp_path / "keys.json")[0] == 2


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The URL of an HTTP server that gives keys.json, and 404 for the rest."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/keys.json"
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write((tmp_path / "keys.json").read_bytes() if found else b"")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_keys_from_a_server(receipt: Path, served: str) -> None:
    assert run("verify-receipt", receipt, "--keys", f"{served}/keys.json")[0] == 0
    assert run("verify-receipt", receipt, "--keys", f"{served}/nothing")[0] == 2
