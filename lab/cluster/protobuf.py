"""Reading `application/vnd.kubernetes.protobuf` bodies: kubectl's typed clients send nothing else.

Answers are JSON, which those clients accept. Source: the Protocol Buffers encoding specification, and
"Kubernetes Protobuf encoding" in the Kubernetes API concepts: four magic bytes, then a `runtime.Unknown`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lab.cluster.builtin_schema import kind_schema
from lab.cluster.errors import ApiError, bad_request
from lab.cluster.objects import Obj, timestamp
from lab.cluster.protobuf_fields import BYTES, FIELDS, OPTIONAL
from lab.cluster.schema import Schema

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_FIXED64 = 1


def decode(body: bytes) -> Obj:
    """The object in a body; 400 for a body that is none, 415 for a message whose numbers are not known here."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body is no Kubernetes protobuf: it does not begin with its magic bytes")
    try:
        unknown = dict(_wire(body[len(_MAGIC) :]))
        type_meta = dict(_wire(unknown[1]))
        api_version, kind = type_meta[1].decode(), type_meta[2].decode()
        obj = _message(unknown.get(2, b""), kind_schema(api_version, kind))
    except (IndexError, KeyError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise bad_request(f"the body is no Kubernetes protobuf: {error!r}") from error
    return {"apiVersion": api_version, "kind": kind, **obj}


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values: ints, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                yield tag >> 3, value
            case 1 | 5 as size:
                width = 8 if size == _FIXED64 else 4
                yield tag >> 3, data[at : at + width]
                at += width
            case 2:
                length, at = _varint(data, at)
                yield tag >> 3, data[at : at + length]
                at += length
            case other:
                raise KeyError(f"wire type {other}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _message(data: bytes, schema: Schema) -> Obj:
    result: Obj = {}
    for number, raw in _wire(data):
        name = _name(schema, number)
        if name == "status":
            continue  # nobody may write it through these bodies
        child = schema.child(name)
        if child.shape == "list":
            result.setdefault(name, []).append(_value(raw, child.item))
        elif child.shape == "map":
            entry = dict(_wire(raw))
            key, value = entry.get(1, b"").decode(), entry.get(2, b"")
            is_bytes = (schema.name, name) in BYTES
            result.setdefault(name, {})[key] = _base64(value) if is_bytes else _value(value, child.item)
        else:
            value = _value(raw, child)
            if value or (name in OPTIONAL and value is not None):
                result[name] = value
    return result


def _name(schema: Schema, number: int) -> str:
    known = FIELDS.get(schema.name)
    if known and number in known:
        return known[number]
    what = f"protobuf field {number} of {schema.name} is not known to the lab: send JSON (`-o yaml | apply -f -`)"
    raise ApiError(415, "UnsupportedMediaType", what)


def _value(raw: Any, schema: Schema) -> Any:
    if schema.shape == "struct":
        return _message(raw, schema)
    match schema.name:
        case "integer":
            return raw - (1 << 64) if raw >> 63 else raw
        case "boolean":
            return bool(raw)
        case "time":
            seconds = dict(_wire(raw)).get(1)
            return timestamp(datetime.fromtimestamp(seconds, UTC)) if seconds else None
        case "quantity":
            return dict(_wire(raw)).get(1, b"").decode()
        case "int-or-string":
            parts = dict(_wire(raw))
            return parts.get(3, b"").decode() if parts.get(1) else parts.get(2, 0)
    return raw.decode()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
