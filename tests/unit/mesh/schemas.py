"""The CRD schemas of both dialects, where they lie beside the repository, with unknown fields refused."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

CRDS = Path(__file__).resolve().parents[4] / "shared" / "crds"
GROUPS = {"appmesh.k8s.aws": "appmesh.yaml", "gateway.networking.k8s.io": "gateway-api.yaml"}  # all others: Istio's


def refused(manifest: dict[str, Any]) -> list[str]:
    """What the manifest's schema has against it. Skips the test where there are no schemas.

    Kubernetes' own kinds have no CRD; nothing is said of them.
    """
    group, _, version = manifest["apiVersion"].rpartition("/")
    if not group:
        return []
    validators = _validators(GROUPS.get(group, "istio.yaml"))
    return [f"{e.json_path}: {e.message}" for e in validators[manifest["kind"], version].iter_errors(manifest)]


@cache
def _validators(file: str) -> dict[tuple[str, str], Draft202012Validator]:
    if not (CRDS / file).is_file():
        pytest.skip("the CRD schemas are not beside the repository (../shared/crds)")
    found = {}
    for crd in yaml.load_all((CRDS / file).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if crd and crd["kind"] == "CustomResourceDefinition":
            for version in crd["spec"]["versions"]:
                schema = copy.deepcopy(version["schema"]["openAPIV3Schema"])
                schema["properties"] |= {"metadata": {"type": "object"}, "apiVersion": {}, "kind": {}}
                found[crd["spec"]["names"]["kind"], version["name"]] = Draft202012Validator(_strict(schema))
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
