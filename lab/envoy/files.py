"""Resources in files that an Envoy is served from: written by atomic rename, and only when they changed.

A file holds one DiscoveryResponse as JSON. Whoever serves them (`server.py`) reads them when the doorbell rings.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.envoy.doorbell import ring

Resource = dict[str, Any]  # one of Envoy's v3 messages, as its JSON has it

LDS = "lds.json"
CDS = "cds.json"


def rds(route_configuration: str) -> str:
    """The file of a route configuration, relative to the Envoy's directory."""
    return f"rds/{route_configuration}.json"


def write_files(directory: Path, files: Mapping[str, Sequence[Resource]]) -> list[str]:
    """Write each file (relative path → its resources), in Envoy's order of need; returns those that changed.

    Secrets come before clusters, clusters before routes, routes before listeners, so that who reads in the middle
    never meets a name it does not know. Files that are no longer named go last. Then the doorbell rings, also when
    nothing changed: whoever wrote the last change may not have lived to ring.
    """
    texts = {name: discovery_response(resources) for name, resources in files.items()}
    changed = [name for name in sorted(texts, key=_order) if write_text(directory / name, texts[name])]
    for stale in directory.glob("rds/*.json"):
        if str(stale.relative_to(directory)) not in texts:
            stale.unlink(missing_ok=True)
    ring(directory)
    return changed


def with_earlier(path: Path, resources: Sequence[Resource]) -> list[Resource]:
    """The resources, and those of other names that the file has now.

    For clusters: Envoy gets them before the routes, and a request whose route still names a cluster
    that has gone is lost. What no route names costs nothing.
    """
    if not path.is_file():
        return list(resources)
    names = {resource["name"] for resource in resources}
    earlier = json.loads(path.read_text())["resources"]
    return [*resources, *(resource for resource in earlier if resource["name"] not in names)]


def discovery_response(resources: Sequence[Resource]) -> str:
    """The text of a file that holds these resources. Its version is a digest of its content."""
    body = json.dumps(list(resources), sort_keys=True)
    version = hashlib.sha256(body.encode()).hexdigest()[:12]
    return json.dumps({"version_info": version, "resources": list(resources)}, indent=1, sort_keys=True)


def write_text(path: Path, text: str) -> bool:
    """Put the text there by atomic rename; False when it is there already."""
    if path.is_file() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(temporary).replace(path)
    return True


def _order(name: str) -> tuple[int, str]:
    needs = ("sds/", CDS, "rds/", LDS)
    return next((rank for rank, prefix in enumerate(needs) if name.startswith(prefix)), len(needs)), name
