"""The CRD schemas of both dialects, where they lie beside the repository, with unknown fields refused."""

from __future__ import annotations

import copy
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

CRDS = Path(__file__).resolve().parents[4] / "shared" / "crds"
GROUPS = {"appmesh.k8s.aws": "appmesh.yaml", "gateway.networking.k8s.io": "gateway-api.yaml"}  # all others: Istio's


def refused(manifest: dict[str, Any]) -> list[str]:
    """What an API server has against the manifest: its schema, and the rules beside it that are written down here.

    Skips the test where there are no schemas.
    """
    group, _, version = manifest["apiVersion"].rpartition("/")
    if not group:
        return _of_a_service(manifest) if manifest["kind"] == "Service" else []
    validators = _validators(GROUPS.get(group, "istio.yaml"))
    found = [f"{e.json_path}: {e.message}" for e in validators[manifest["kind"], version].iter_errors(manifest)]
    return [*found, *_of_a_route(manifest), *_of_policies(manifest)]


def _of_a_service(manifest: dict[str, Any]) -> list[str]:
    """A Service's name is a label of DNS (RFC 1035); its ports have names and numbers of their own."""
    name, spec = manifest["metadata"]["name"], manifest.get("spec") or {}
    found = [] if re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name) else [f"metadata.name: {name}"]
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None":
        found.append("spec.ports: a port")
    for key in ("name", "port"):
        if len({port.get(key) for port in ports}) < len(ports):
            found.append(f"spec.ports: twice one {key}")
    return found


def _of_a_route(manifest: dict[str, Any]) -> list[str]:
    """The CEL rules of HTTPRoute, GRPCRoute and TCPRoute."""
    spec, found = manifest.get("spec") or {}, []
    parents = [tuple(sorted(parent.items())) for parent in spec.get("parentRefs") or ()]
    if len(set(parents)) < len(parents):
        found.append("spec.parentRefs: twice one parent")
    rules = (spec.get("rules") or ()) if manifest["kind"].endswith("Route") else ()
    if sum(len(rule.get("matches") or (0,)) for rule in rules) > 128:
        found.append("spec.rules: more than 128 matches")
    named = [rule["name"] for rule in rules if "name" in rule]
    if len(set(named)) < len(named):
        found.append("spec.rules: twice one name")
    for rule in rules:
        paths = [match["path"] for match in rule.get("matches") or () if "path" in match]
        found += [f"path {path}" for path in paths if path["type"] != "RegularExpression" and _is_odd(path["value"])]
        for each in rule.get("filters") or ():
            replaced = (each.get("urlRewrite") or {}).get("path") or {}
            if "replacePrefixMatch" in replaced and [path["type"] for path in paths] != ["PathPrefix"]:
                found.append("spec.rules: a prefix is replaced that is not matched")
        if any("port" not in each for each in rule.get("backendRefs") or () if each.get("kind") == "Service"):
            found.append("spec.rules: a Service without a port")
    return found


def _is_odd(path: str) -> bool:
    parts = ("//", "/./", "/../", "%2f", "%2F", "#")
    return not path.startswith("/") or any(part in path for part in parts) or path.endswith(("/..", "/."))


def _of_policies(manifest: dict[str, Any]) -> list[str]:
    """The CEL rules of Istio's objects: durations of at least 1ms, labels where ports are spoken of."""
    spec, text = manifest.get("spec") or {}, str(manifest.get("spec"))
    found = [f"the duration {each}" for each in re.findall(r"(?:interval|baseEjectionTime|idleTimeout)': '(0s)'", text)]
    if manifest["kind"] == "PeerAuthentication" and "portLevelMtls" in spec and not spec["selector"]["matchLabels"]:
        found.append("spec.portLevelMtls: without labels")
    if manifest["kind"] == "ServiceEntry":
        numbers = [port["number"] for port in spec.get("ports") or ()]
        found += ["spec.ports: twice one number"] if len(set(numbers)) < len(numbers) else []
    return found


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
