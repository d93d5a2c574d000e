"""What hangs below single objects: scale, log, proxy, token."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp import web

from lab.cluster import errors
from lab.cluster.api import Api
from lab.cluster.collector import DEFINITIONS
from lab.cluster.definitions import served_version
from lab.cluster.objects import Obj, copy, dig, timestamp
from lab.cluster.runtime import PodRuntime, TokenIssuer
from lab.cluster.schema import ANY
from lab.cluster.web.answer import answer
from lab.cluster.web.request import Target, body, object_body, options
from lab.cluster.web.write import patch_function

_HOP_BY_HOP = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


async def scale(api: Api, request: web.Request, target: Target) -> web.Response:
    """autoscaling/v1 Scale of a Deployment, a ReplicaSet, or a custom object whose CRD has a scale."""
    resource = api.store.resources.find(target.group, target.version, target.plural)
    paths = _scale_paths(api, target, custom=resource.custom)
    obj = api.get(target.resource, target.namespace, target.name, target.version)
    if request.method == "GET":
        return answer(_scale_of(obj, paths))
    if request.method == "PUT":
        wanted = await object_body(request)
    elif request.method == "PATCH":
        wanted = patch_function(request.content_type, await body(request), ANY, resource)(_scale_of(obj, paths))
    else:
        raise errors.method_not_allowed()
    replicas = dig(wanted, "spec", "replicas", default=0)
    if not isinstance(replicas, int) or replicas < 0:
        raise errors.bad_request(f"spec.replicas: {replicas!r} is not a number, 0 or more")
    version = dig(wanted, "metadata", "resourceVersion", default="")

    def change(current: Obj) -> Obj:
        if version:
            current["metadata"]["resourceVersion"] = version
        _set(current, paths["specReplicasPath"], replicas)
        return current

    how = options(request, target)
    scaled = await api.patch(target.resource, target.namespace, target.name, change, how)
    return answer(_scale_of(scaled, paths), warnings=how.warnings)


def _scale_paths(api: Api, target: Target, *, custom: bool) -> Obj:
    if not custom:
        return {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    definition = api.store.get(DEFINITIONS, target.resource)
    found: Obj = dig(served_version(definition, target.version), "subresources", "scale", default={})
    return found


def _scale_of(obj: Obj, paths: Obj) -> Obj:
    selector = dig(obj, "spec", "selector", "matchLabels", default={})
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: obj["metadata"][key] for key in kept if key in obj["metadata"]},
        "spec": {"replicas": dig(obj, *_keys(paths["specReplicasPath"]), default=0)},
        "status": {
            "replicas": dig(obj, *_keys(paths["statusReplicasPath"]), default=0),
            "selector": ",".join(f"{key}={value}" for key, value in selector.items()),
        },
    }


def _keys(path: str) -> list[str]:
    return path.strip(".").split(".")


def _set(obj: Obj, path: str, value: int) -> None:
    *parents, last = _keys(path)
    for key in parents:
        obj = obj.setdefault(key, {})
    obj[last] = value


async def log(api: Api, request: web.Request, target: Target, runtime: PodRuntime | None) -> web.StreamResponse:
    """A container's log, as text; followed when asked to."""
    pod = api.get("pods", target.namespace, target.name)
    container = _container(pod, request.query.get("container", ""))
    if runtime is None:
        raise errors.bad_request("no kubelet runs in this cluster, so there are no logs")
    chunks = runtime.logs(
        target.namespace,
        target.name,
        container,
        follow=_flag(request, "follow"),
        previous=_flag(request, "previous"),
        tail=_optional_number(request, "tailLines"),
        since_seconds=_since(request),
        timestamps=_flag(request, "timestamps"),
    )
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    async with aclosing(chunks) as stream:  # type: ignore[type-var]
        async for chunk in stream:
            if not response.prepared:
                await response.prepare(request)
            await response.write(chunk)
    if not response.prepared:
        await response.prepare(request)
    return response


def _container(pod: Obj, asked: str) -> str:
    """The container to read; 400 when a pod with several is asked without saying which."""
    names = [c["name"] for c in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]]
    if asked:
        if asked not in names:
            name = pod["metadata"]["name"]
            raise errors.bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(names) > 1:
        what = (
            f"a container name must be specified for pod {pod['metadata']['name']}, choose one of: [{' '.join(names)}]"
        )
        raise errors.bad_request(what)
    return str(names[0])


def _flag(request: web.Request, field: str) -> bool:
    return request.query.get(field) in ("true", "1")


def _since(request: web.Request) -> int | None:
    """`sinceSeconds`, or the seconds since `sinceTime`."""
    text = request.query.get("sinceTime")
    if text is None:
        return _optional_number(request, "sinceSeconds")
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        raise errors.bad_request(f"sinceTime: {text!r} is not a time like 2026-11-23T17:31:38Z") from None
    return max(1, int((datetime.now(UTC) - since).total_seconds()))


def _optional_number(request: web.Request, field: str) -> int | None:
    text = request.query.get(field)
    if text is None:
        return None
    if not text.isdigit():
        raise errors.bad_request(f"{field}: {text!r} is not a number, 0 or more")
    return int(text)


async def proxy(api: Api, request: web.Request, target: Target) -> web.StreamResponse:
    """HTTP to a pod: `pods/<name>[:<port>]/proxy/<path>`."""
    scheme, name, port = _proxied(target.name)
    pod = api.get("pods", target.namespace, name)
    address = dig(pod, "status", "podIP")
    if not address:
        raise errors.ApiError(503, "ServiceUnavailable", f'pod "{name}" has no address yet')
    port = port or str(dig(pod, "spec", "containers", 0, "ports", 0, "containerPort", default=80))
    query = f"?{request.query_string}" if request.query_string else ""
    url = f"{scheme}://{address}:{port}/{target.rest}{query}"
    headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP]
    try:
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, url, headers=headers, data=await request.read(), allow_redirects=False, ssl=False
            ) as found,
        ):
            return await _relay(request, found)
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        why = f"error trying to reach service: {error}"
        raise errors.ApiError(503, "ServiceUnavailable", why) from error


def _proxied(name: str) -> tuple[str, str, str]:
    """`https:web:8443` → scheme, name, port."""
    parts = name.split(":")
    if len(parts) == 3:
        return parts[0] or "http", parts[1], parts[2]
    return "http", parts[0], parts[1] if len(parts) == 2 else ""


async def _relay(request: web.Request, found: aiohttp.ClientResponse) -> web.StreamResponse:
    kept = [(k, v) for k, v in found.headers.items() if k.lower() not in _HOP_BY_HOP - {"content-encoding"}]
    response = web.StreamResponse(status=found.status, reason=found.reason)
    response.headers.extend(kept)
    await response.prepare(request)
    async for chunk in found.content.iter_any():
        await response.write(chunk)
    return response


async def token(api: Api, request: web.Request, target: Target, tokens: TokenIssuer) -> web.Response:
    """authentication.k8s.io/v1 TokenRequest: `kubectl create token`. The lab's tokens last as long as the lab."""
    asked = copy(await object_body(request))
    api.get("serviceaccounts", target.namespace, target.name)
    asked["status"] = {
        "token": tokens.issue_token(target.namespace, target.name),
        "expirationTimestamp": timestamp(datetime.now(UTC) + timedelta(hours=1)),
    }
    return answer(asked, 201)
