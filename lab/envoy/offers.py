"""The files of an Envoy's directory as what it is offered. Secrets go with the content of the files that they name.

Envoy itself would watch those files, at the cost of an inotify instance each.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lab.envoy.delivery import CLUSTERS, LISTENERS, ROUTES, SECRETS, Name, Offer
from lab.envoy.files import CDS, LDS, Resource, discovery_response

_CONTENT = ("certificate_chain", "private_key", "trusted_ca")

Stamp = tuple[tuple[str, int, int], ...]


def configured(directory: Path) -> bool:
    """Whether the files are complete: the listeners' is written last."""
    return (directory / LDS).is_file()


def read(directory: Path) -> dict[Name, Offer]:
    """Everything that the directory's files offer, secrets included."""
    offers = {Name(kind): _whole(directory / file) for kind, file in ((CLUSTERS, CDS), (LISTENERS, LDS))}
    for path in sorted(directory.glob("rds/*.json")):
        (route_configuration,) = _resources(path)
        offers[Name(ROUTES, route_configuration["name"])] = _whole(path)
    return {**offers, **secrets(directory)}


def secrets(directory: Path) -> dict[Name, Offer]:
    """The secrets, whole: no file changed while they were read."""
    while True:
        before = stamp(directory)
        found = {}
        for secret in _secrets(directory):
            body = discovery_response([_with_content(secret)])
            found[Name(SECRETS, secret["name"])] = Offer(json.loads(body)["version_info"], body)
        if stamp(directory) == before:
            return found


def stamp(directory: Path) -> Stamp:
    """Changes when a file that a secret names does: path, inode and time of change of each; 0 where there is none."""
    found = []
    for file in sorted({file for secret in _secrets(directory) for file in _files(secret)}):
        try:
            status = Path(file).stat()
        except OSError:
            found.append((file, 0, 0))
        else:
            found.append((file, status.st_ino, status.st_mtime_ns))
    return tuple(found)


def _secrets(directory: Path) -> Iterator[Resource]:
    for path in sorted(directory.glob("sds/*.json")):
        yield from _resources(path)


def _files(secret: Mapping[str, Any]) -> Iterator[str]:
    for content in secret.values():
        if isinstance(content, dict):
            yield from (content[field]["filename"] for field in _CONTENT if "filename" in content.get(field, {}))


def _with_content(secret: Resource) -> Resource:
    return {key: _inlined(value) if isinstance(value, dict) else value for key, value in secret.items()}


def _inlined(content: Mapping[str, Any]) -> Resource:
    return {key: _source(value) if key in _CONTENT else value for key, value in content.items()}


def _source(source: Mapping[str, str]) -> Mapping[str, str]:
    """A file that cannot be read stays a name, which Envoy's refusal then tells."""
    try:
        return {"inline_bytes": base64.b64encode(Path(source["filename"]).read_bytes()).decode()}
    except OSError:
        return source


def _whole(path: Path) -> Offer:
    text = path.read_text()
    return Offer(json.loads(text)["version_info"], text)


def _resources(path: Path) -> list[Resource]:
    return list(json.loads(path.read_text())["resources"])
