"""STUN connectivity checks as a browser would send them, for the tests."""

from typing import Any

from aioice import stun


def binding_request(
    *,
    username: str | None,
    pwd: str | None,
    priority: int | None = 1_853_759_231,
    use_candidate: bool = False,
    role: str = "ICE-CONTROLLING",
) -> bytes:
    """One check; ``pwd`` None leaves MESSAGE-INTEGRITY out, ``username`` None USERNAME."""
    attributes: dict[str, Any] = {role: 7}
    if username is not None:
        attributes["USERNAME"] = username
    if priority is not None:
        attributes["PRIORITY"] = priority
    if use_candidate:
        attributes["USE-CANDIDATE"] = None
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
    if pwd is None:
        message.add_fingerprint()
    else:
        message.add_message_integrity(pwd.encode())
    return bytes(message)
