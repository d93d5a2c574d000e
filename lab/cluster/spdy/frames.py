"""SPDY/3.1 frames as bytes and back; no input, no output.

    control  1|version:15|type:16   flags:8|length:24   payload
    data     0|stream:31            flags:8|length:24   payload

Header blocks are compressed by one zlib stream for each direction, so every control frame must be decoded, in order.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lab.cluster.spdy.dictionary import DICTIONARY

_VERSION = 3
_FIN = 0x01
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY, _HEADERS = 1, 2, 3, 6, 7, 8
_HEAD = 8
_STREAM_MASK = 0x7FFFFFFF
_MAX_HEADERS = 64 * 1024


class SpdyError(Exception):
    """What came is not SPDY/3.1; the text says what is wrong with it."""


@dataclass(frozen=True)
class SynStream:
    """A new stream. Header names are in lower case."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True)
class SynReply:
    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True)
class Data:
    """`fin`: the sender has no more of this stream to send."""

    stream: int
    data: bytes
    fin: bool = False


@dataclass(frozen=True)
class Reset:
    """The sender wants nothing more of this stream; `status` as in the draft's section 2.6.3."""

    stream: int
    status: int


@dataclass(frozen=True)
class Ping:
    """The receiver sends it back as it is."""

    id: int


@dataclass(frozen=True)
class GoAway:
    last_stream: int
    status: int = 0


Frame = SynStream | SynReply | Data | Reset | Ping | GoAway


class Encoder:
    """Frames to bytes, for one direction of one connection."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(zdict=DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        match frame:
            case Data(stream, data, fin):
                return struct.pack(">II", stream, _flags(fin) << 24 | len(data)) + data
            case SynStream(stream, headers, fin):
                start = struct.pack(">IIH", stream, 0, 0)
                return _control(_SYN_STREAM, start + self._block(headers), _flags(fin))
            case SynReply(stream, headers, fin):
                return _control(_SYN_REPLY, struct.pack(">I", stream) + self._block(headers), _flags(fin))
            case Reset(stream, status):
                return _control(_RST_STREAM, struct.pack(">II", stream, status))
            case Ping(id_):
                return _control(_PING, struct.pack(">I", id_))
            case GoAway(last, status):
                return _control(_GOAWAY, struct.pack(">II", last, status))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        texts = [text.encode() for pair in headers.items() for text in pair]
        plain = struct.pack(">I", len(headers)) + b"".join(struct.pack(">I", len(t)) + t for t in texts)
        return self._zlib.compress(plain) + self._zlib.flush(zlib.Z_SYNC_FLUSH)


class Decoder:
    """Bytes to frames, for one direction of one connection. Frames that port-forward has no use for are left out."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zdict=DICTIONARY)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises SpdyError."""
        self._buffer += data
        try:
            return list(self._frames())
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise SpdyError(f"not SPDY/3.1: {error}") from error

    def _frames(self) -> Iterator[Frame]:
        while len(self._buffer) >= _HEAD:
            first, second = struct.unpack_from(">II", self._buffer)
            end = _HEAD + (second & 0xFFFFFF)
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEAD:end])
            del self._buffer[:end]
            frame = self._frame(first, bool(second >> 24 & _FIN), payload)
            if frame is not None:
                yield frame

    def _frame(self, first: int, fin: bool, payload: bytes) -> Frame | None:
        if not first >> 31:
            return Data(first, payload, fin)
        if first >> 16 & 0x7FFF != _VERSION:
            raise SpdyError(f"not SPDY/3.1: version {first >> 16 & 0x7FFF}")
        kind = first & 0xFFFF
        if kind == _PING:
            return Ping(*struct.unpack_from(">I", payload))
        if kind == _GOAWAY:
            return GoAway(*struct.unpack_from(">II", payload))
        return self._of_stream(kind, fin, payload)

    def _of_stream(self, kind: int, fin: bool, payload: bytes) -> Frame | None:
        stream = int.from_bytes(payload[:4], "big") & _STREAM_MASK
        if kind == _SYN_STREAM:
            return SynStream(stream, self._headers(payload[10:]), fin)
        if kind == _SYN_REPLY:
            return SynReply(stream, self._headers(payload[4:]), fin)
        if kind == _RST_STREAM:
            return Reset(*struct.unpack_from(">II", payload))
        if kind == _HEADERS:
            self._headers(payload[4:])  # nobody asks for them, but the compression goes on after them
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._zlib.decompress(block, _MAX_HEADERS)
        texts, at = [], 4
        for _ in range(2 * struct.unpack_from(">I", plain)[0]):
            (length,) = struct.unpack_from(">I", plain, at)
            texts.append(plain[at + 4 : at + 4 + length].decode())
            at += 4 + length
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">II", 1 << 31 | _VERSION << 16 | kind, flags << 24 | len(payload)) + payload


def _flags(fin: bool) -> int:
    return _FIN if fin else 0
