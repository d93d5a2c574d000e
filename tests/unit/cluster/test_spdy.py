"""SPDY/3.1 frames: what one side writes the other reads, however the bytes arrive."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.cluster.spdy.dictionary import CHECKSUM, DICTIONARY
from lab.cluster.spdy.frames import (
    Data,
    Decoder,
    Encoder,
    Frame,
    GoAway,
    Ping,
    Reset,
    SpdyError,
    SynReply,
    SynStream,
)

_NUMBERS = st.integers(0, 2**31 - 1)
_HEADERS = st.dictionaries(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1), st.text(), max_size=5)
_FRAMES: st.SearchStrategy[Frame] = st.one_of(
    st.builds(SynStream, _NUMBERS, _HEADERS, st.booleans()),
    st.builds(SynReply, _NUMBERS, _HEADERS, st.booleans()),
    st.builds(Data, _NUMBERS, st.binary(max_size=200), st.booleans()),
    st.builds(Reset, _NUMBERS, _NUMBERS),
    st.builds(Ping, _NUMBERS),
    st.builds(GoAway, _NUMBERS, _NUMBERS),
)


@given(st.lists(_FRAMES, max_size=8), st.integers(1, 64))
def test_frames_survive_the_wire_in_pieces_of_any_size(frames: list[Frame], size: int) -> None:
    """Frames, with headers compressed by one stream, are read as they were written."""
    encoder, decoder = Encoder(), Decoder()
    wire = b"".join(map(encoder.encode, frames))
    found = [frame for at in range(0, len(wire), size) for frame in decoder.feed(wire[at : at + size])]

    assert frames == found


def test_the_dictionary_is_the_drafts() -> None:
    """Its Adler-32 is the one that every SPDY/3 stream announces."""
    assert CHECKSUM == zlib.adler32(DICTIONARY)


def test_a_stream_as_kubectl_opens_it() -> None:
    """A SYN_STREAM is laid out as in the draft's section 2.6.1."""
    wire = Encoder().encode(SynStream(5, {"streamtype": "data", "port": "80"}))

    assert bytes.fromhex("80030001 00") == wire[:5]
    assert len(wire) - 8 == int.from_bytes(wire[5:8], "big")
    assert bytes.fromhex("00000005 00000000 0000") == wire[8:18]


_VERSION_2 = "80020001 0000000a 00000001 00000000 0000"
_NO_HEADERS = "80030001 0000000c 00000001 00000000 00001234"


@pytest.mark.parametrize("wire", [_VERSION_2, _NO_HEADERS])
def test_what_is_not_spdy_is_refused(wire: str) -> None:
    """Another version, and headers that do not decompress."""
    with pytest.raises(SpdyError, match=r"not SPDY/3\.1"):
        Decoder().feed(bytes.fromhex(wire))
