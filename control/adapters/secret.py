"""Control's own secret, which signs join tokens and demo sign-ins."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def own_secret(data_dir: Path) -> bytes:
    """The secret kept in ``data_dir``; made there at the first call, readable by the owner only."""
    path = data_dir / "control-secret"
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) < SECRET_BYTES:
            raise ValueError(f"{path} is damaged: remove it, and sign-ins start anew") from None
        return secret
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_bytes(SECRET_BYTES)
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret
