"""What the parsers of App Mesh manifests share."""

from collections.abc import Mapping
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.fields import Fields
from canario.mesh.refs import Operator, Ref, Requirement, Selector


def spec_of(manifest: Mapping[str, Any]) -> Fields:
    metadata = manifest["metadata"]
    name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return Fields(manifest.get("spec") or {}, f"{manifest['kind']} {name}: spec")


def ref_of(manifest: Mapping[str, Any]) -> Ref:
    return Ref(manifest["metadata"].get("namespace", "default"), manifest["metadata"]["name"])


def choice(kind: Any, fields: Fields, name: str) -> Any:
    """A field whose value is one of a StrEnum's."""
    return one_of(kind, fields.text(name), fields.where(name))


def one_of(kind: Any, value: str, path: str) -> Any:
    if value not in list(kind):
        raise InvalidInput(path, value, ", ".join(kind))
    return kind(value)


def only_one(fields: Fields, *names: str) -> str | None:
    """The one of these fields that is there; None when none is. Raises InvalidInput when several are."""
    present = [name for name in names if fields.present(name)]
    if len(present) > 1:
        raise InvalidInput(fields.path, present, f"one of {', '.join(names)}")
    return present[0] if present else None


def selector(spec: Fields, name: str) -> Selector | None:
    inner = spec.inner_or_none(name)
    if inner is None:
        return None
    with inner:
        return Selector(
            inner.pairs("matchLabels"),
            tuple(_requirement(fields) for fields in inner.items("matchExpressions")),
        )


def _requirement(fields: Fields) -> Requirement:
    with fields:
        return Requirement(fields.text("key"), choice(Operator, fields, "operator"), fields.texts("values"))


def reference(fields: Fields, name: str, owner: Ref) -> Ref:
    with fields.inner(name) as inner:
        return plain_reference(inner, owner)


def plain_reference(fields: Fields, owner: Ref) -> Ref:
    return Ref(fields.text_or("namespace", owner.namespace), fields.text("name"))
