"""Write the custom resource definitions that the lab serves of Gateway API and Istio, out of their published files.

    python tools/trim_crds.py gateway-api.yaml istio.yaml > lab/mesh/istio/crds.ndjson

One compact line of JSON each: one version, without descriptions; what validates (types, formats, enums, patterns, CEL
rules) stays.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

WANTED = {
    "gatewayclasses.gateway.networking.k8s.io": "v1",
    "gateways.gateway.networking.k8s.io": "v1",
    "httproutes.gateway.networking.k8s.io": "v1",
    "grpcroutes.gateway.networking.k8s.io": "v1",
    "tcproutes.gateway.networking.k8s.io": "v1",
    "referencegrants.gateway.networking.k8s.io": "v1",
    "peerauthentications.security.istio.io": "v1",
    "destinationrules.networking.istio.io": "v1",
    "serviceentries.networking.istio.io": "v1",
    "sidecars.networking.istio.io": "v1",
    "telemetries.telemetry.istio.io": "v1",
}
_MAPS = ("properties", "patternProperties")  # whose keys are names, not keywords


def main(paths: list[str]) -> None:
    found = [each for path in paths for each in yaml.safe_load_all(Path(path).read_text()) if each]
    for each in found:
        version = WANTED.get(each["metadata"]["name"])
        if each["kind"] == "CustomResourceDefinition" and version:
            print(json.dumps(trimmed(each, version), separators=(",", ":"), sort_keys=True))


def trimmed(definition: dict[str, Any], version: str) -> dict[str, Any]:
    """The definition with that version alone, stored and served."""
    spec = definition["spec"]
    one = next(each for each in spec["versions"] if each["name"] == version)
    kept = {key: one[key] for key in ("name", "additionalPrinterColumns", "subresources") if key in one}
    schema = {"openAPIV3Schema": undescribed(one["schema"]["openAPIV3Schema"])}
    return {
        "apiVersion": definition["apiVersion"],
        "kind": definition["kind"],
        "metadata": {
            "name": definition["metadata"]["name"],
            # The API server wants to know who approved a definition of this group.
            "annotations": {
                key: value
                for key, value in (definition["metadata"].get("annotations") or {}).items()
                if key.startswith(("api-approved", "gateway.networking"))
            },
        },
        "spec": {
            "group": spec["group"],
            "names": spec["names"],
            "scope": spec["scope"],
            "versions": [{**undescribed(kept), "served": True, "storage": True, "schema": schema}],
        },
    }


def undescribed(part: Any, *, names: bool = False) -> Any:
    """Without the keyword `description`; under `properties` it would be a field's name."""
    if isinstance(part, dict):
        kept = {key: value for key, value in part.items() if names or key != "description"}
        return {key: undescribed(value, names=not names and key in _MAPS) for key, value in kept.items()}
    return [undescribed(each) for each in part] if isinstance(part, list) else part


if __name__ == "__main__":
    main(sys.argv[1:])
