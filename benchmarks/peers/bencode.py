"""Bencode, the writing of rtpengine's control protocol: strings, integers, lists, dictionaries."""

Value = str | int | list["Value"] | dict[str, "Value"]


class BadBencode(ValueError):
    """Not bencode; the text says where."""


def encode(value: Value) -> bytes:
    """``value`` as octets; strings in UTF-8, keys of dictionaries sorted."""
    if isinstance(value, str):
        octets = value.encode()
        return b"%d:%s" % (len(octets), octets)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(octets: bytes) -> Value:
    """The one value that ``octets`` are. Raises BadBencode."""
    value, end = _read(octets, 0)
    if end != len(octets):
        raise BadBencode(f"something follows at {end}")
    return value


def _read(octets: bytes, at: int) -> tuple[Value, int]:
    """The value at ``at``, and where it ends."""
    kind = octets[at : at + 1]
    try:
        if kind == b"i":
            end = octets.index(b"e", at)
            return int(octets[at + 1 : end]), end + 1
        if kind.isdigit():
            colon = octets.index(b":", at)
            end = colon + 1 + int(octets[at:colon])
            if end > len(octets):
                raise BadBencode(f"the string at {at} is cut short")
            return octets[colon + 1 : end].decode(), end
    except ValueError as error:
        raise BadBencode(f"at {at}: {error}") from error
    if kind not in (b"l", b"d"):
        raise BadBencode(f"at {at}: {kind!r}")
    items: list[Value] = []
    at += 1
    while octets[at : at + 1] != b"e":
        item, at = _read(octets, at)
        items.append(item)
    if kind == b"l":
        return items, at + 1
    found: dict[str, Value] = {}
    for key, item in zip(items[::2], items[1::2], strict=False):
        if not isinstance(key, str):
            raise BadBencode(f"a key is no string: {key!r}")
        found[key] = item
    return found, at + 1
