"""Whether an answer is what botocore's service model says: no member that it does not know, every type as it is."""

from collections.abc import Iterator
from typing import Any

import boto3

KINDS = {
    "string": str,
    "integer": int,
    "long": int,
    "double": float | int,
    "boolean": bool,
    "timestamp": float | int,
}


def strays(operation: str, answer: Any) -> list[str]:
    """Where the JSON body of an answer to `operation` differs from the model, as paths."""
    session = boto3.Session("test", "test", region_name="us-west-1")
    model = session.client("xray").meta.service_model.operation_model(operation)
    return list(_strays(model.output_shape, answer, operation))


def _strays(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, each in value.items():
            if name in shape.members:
                yield from _strays(shape.members[name], each, f"{path}.{name}")
            else:
                yield f"{path}.{name}: unknown"
    elif shape.type_name == "list":
        for number, each in enumerate(value):
            yield from _strays(shape.member, each, f"{path}[{number}]")
    elif shape.type_name == "map":
        for name, each in value.items():
            yield from _strays(shape.value, each, f"{path}.{name}")
    elif not isinstance(value, KINDS[shape.type_name]):
        yield f"{path}: {value!r} is no {shape.type_name}"
