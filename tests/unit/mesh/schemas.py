"""App Mesh's CRD schemas, where they lie beside the repository, with unknown fields refused."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

CRDS = Path(__file__).resolve().parents[4] / "shared" / "crds" / "appmesh.yaml"


def refused(manifest: dict[str, Any]) -> list[str]:
    """What the manifest's schema has against it. Skips the test where there are no schemas."""
    if not CRDS.is_file():
        pytest.skip("the CRD schemas are not beside the repository (../shared/crds)")
    return [f"{error.json_path}: {error.message}" for error in _validators()[manifest["kind"]].iter_errors(manifest)]


@cache
def _validators() -> dict[str, Draft202012Validator]:
    found = {}
    for crd in yaml.safe_load_all(CRDS.read_text()):
        if crd:
            schema = copy.deepcopy(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            found[crd["spec"]["names"]["kind"]] = Draft202012Validator(_strict(schema))
    return found


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        strict.setdefault("additionalProperties", False)
    return strict
