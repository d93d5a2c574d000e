"""Reading a request: what it addresses, who asks, what form of answer it accepts, what it carries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from lab.cluster import errors, protobuf
from lab.cluster.objects import Obj
from lab.cluster.options import Options, User

USER: web.RequestKey[User] = web.RequestKey("user", User)
JSON, YAML = "application/json", "application/yaml"
_STRICTNESS = ("Strict", "Warn", "Ignore")


@dataclass(frozen=True)
class Target:
    """What a path below `/api/v1` or `/apis/<group>/<version>` addresses."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""  # what follows the subresource: the path of a proxied request

    @property
    def resource(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


def parse(group: str, version: str, path: str) -> Target:
    """`namespaces/x/pods/y/log` → a target; 404 for a path that addresses nothing."""
    parts = path.strip("/").split("/")
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
        namespace, parts = parts[1], parts[2:]
    if not parts[0]:
        raise errors.no_such_path()
    plural, name, subresource, *rest = [*parts, "", ""][: max(len(parts), 3)]
    if rest and subresource != "proxy":
        raise errors.no_such_path()
    return Target(group, version, plural, namespace, name, subresource, "/".join(rest))


def options(request: web.Request, target: Target, body: Obj | None = None) -> Options:
    """What the query says about how to write; 400 for values that are not allowed."""
    query = request.query
    dry_run = query.getall("dryRun", []) or (body or {}).get("dryRun") or []
    if any(value not in ("All", "") for value in dry_run):
        raise errors.bad_request(f"dryRun: {dry_run!r} is not allowed; it must be All or absent")
    strictness = query.get("fieldValidation") or "Warn"
    if strictness not in _STRICTNESS:
        raise errors.bad_request(f"fieldValidation: {strictness!r} is not one of {', '.join(_STRICTNESS)}")
    return Options(
        version=target.version,
        manager=query.get("fieldManager") or _default_manager(request),
        user=request[USER],
        subresource=target.subresource,
        dry_run="All" in dry_run,
        strictness=strictness,
    )


def _default_manager(request: web.Request) -> str:
    """The part of the user agent before the version, as the API server does."""
    return request.headers.get("User-Agent", "unknown").partition("/")[0][:128] or "unknown"


@dataclass(frozen=True)
class Form:
    """How the answer is to look: a plain object, a Table, or PartialObjectMetadata."""

    kind: str = ""  # "", Table, PartialObjectMetadata
    include: str = "Metadata"


def form(request: web.Request) -> Form:
    """The first form in `Accept` that the API has; 406 when there is none."""
    accepted = request.headers.get("Accept") or "*/*"
    for option in accepted.split(","):
        media, *parameters = [part.strip() for part in option.split(";")]
        given = dict(p.partition("=")[::2] for p in parameters)
        if media not in (JSON, "*/*", "application/*", YAML):
            continue
        if given.get("as") in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList"):
            if given.get("v", "v1") != "v1":
                continue
            return Form(given["as"].removesuffix("List"), request.query.get("includeObject") or "Metadata")
        if "as" not in given:
            return Form()
    why = "only the following media types are accepted: application/json"
    raise errors.ApiError(406, "NotAcceptable", why)


async def body(request: web.Request) -> Any:
    """The JSON or YAML body; 400 when it is neither, 415 for another content type."""
    media = request.content_type
    text = await request.read()
    if media == protobuf.MEDIA_TYPE:
        return protobuf.decode(text)
    if media not in (JSON, YAML, "application/octet-stream") and "json" not in media and "yaml" not in media:
        raise errors.unsupported_media_type(media, (JSON, YAML, protobuf.MEDIA_TYPE))
    return read(text)


def read(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader, without timestamps
    except yaml.YAMLError as error:
        raise errors.bad_request(f"the body is neither JSON nor YAML: {error}") from error


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: a timestamp is a string."""

    yaml_implicit_resolvers = {  # noqa: RUF012  PyYAML's own way to say it
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


async def object_body(request: web.Request) -> Obj:
    """A body that is one object."""
    found = await body(request)
    if not isinstance(found, dict):
        raise errors.bad_request("the body must be one object")
    return found
