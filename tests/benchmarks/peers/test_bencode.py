from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers.bencode import BadBencode, Value, decode, encode

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_written_is_read(value: Value) -> None:
    assert decode(encode(value)) == value


def test_a_command_looks_as_rtpengine_documents_it() -> None:
    written = encode({"command": "offer", "rtcp-mux": ["demux"], "n": -3})
    assert written == b"d7:command5:offer1:ni-3e8:rtcp-muxl5:demuxee"


@pytest.mark.parametrize(
    "octets", [b"", b"x", b"i3", b"ie", b"5:four", b"l1:a", b"d1:a1:b", b"1:a1:b", b"di1e1:ae"]
)
def test_what_is_no_bencode_is_refused(octets: bytes) -> None:
    with pytest.raises(BadBencode):
        decode(octets)


@given(st.binary(max_size=40))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    with suppress(BadBencode):
        decode(octets)
