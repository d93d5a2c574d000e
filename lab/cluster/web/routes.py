"""From a path and a method to what answers it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from lab.cluster import discovery, errors, openapi
from lab.cluster.api import Api
from lab.cluster.auth import Authenticator
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj
from lab.cluster.resources import Resource
from lab.cluster.reviews import answer_review
from lab.cluster.runtime import PodRuntime
from lab.cluster.web import execute, forward, read, subresources, write
from lab.cluster.web.answer import answer, error_answer
from lab.cluster.web.request import USER, Target, object_body, parse

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_OPEN = frozenset({"/version", "/healthz", "/readyz", "/livez"})
_MAX_BODY = 16 * 1024 * 1024
_log = logging.getLogger(__name__)


@dataclass
class Routes:
    """The API's paths. `closing` ends every watch."""

    api: Api
    authenticator: Authenticator
    address: str
    runtime: PodRuntime | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=_MAX_BODY)
        get = app.router.add_get
        get("/version", self._version)
        for path in ("/healthz", "/readyz", "/livez"):
            get(path, self._healthy)
        get("/api", self._core_group)
        get("/apis", self._groups)
        get("/api/{version}", self._resources)
        get("/apis/{group}", self._group)
        get("/apis/{group}/{version}", self._resources)
        get("/openapi/v2", self._openapi_v2)
        get("/openapi/v3", self._openapi_index)
        get("/openapi/v3/api/{version}", self._openapi)
        get("/openapi/v3/apis/{group}/{version}", self._openapi)
        app.router.add_route("*", "/api/{version}/{path:.+}", self._object)
        app.router.add_route("*", "/apis/{group}/{version}/{path:.+}", self._object)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Authentication, and errors as Status objects."""
        try:
            if request.path not in _OPEN:
                authorization = request.headers.get("Authorization", "")
                request[USER] = await self.authenticator.authenticate(authorization)
            if "Impersonate-User" in request.headers:
                raise errors.not_implemented("impersonation (kubectl --as)")
            return await handler(request)
        except ApiError as error:
            return error_answer(error)
        except web.HTTPNotFound:
            return error_answer(errors.no_such_path())
        except web.HTTPMethodNotAllowed:
            return error_answer(errors.method_not_allowed())
        except web.HTTPRequestEntityTooLarge:
            limit = f"the body is larger than {_MAX_BODY} bytes"
            return error_answer(ApiError(413, "RequestEntityTooLarge", limit))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            _log.exception("request failed: %s %s", request.method, request.path)
            what = f"Internal error occurred: {type(error).__name__}: {error}"
            return error_answer(ApiError(500, "InternalError", what))

    async def _version(self, _: web.Request) -> web.Response:
        return answer(discovery.VERSION)

    async def _healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _core_group(self, request: web.Request) -> web.Response:
        if _wants_aggregated(request):
            found = discovery.aggregated(self.api.store.resources, core=True)
            return answer(found, media=discovery.AGGREGATED)
        return answer(discovery.api_versions(self.address))

    async def _groups(self, request: web.Request) -> web.Response:
        if _wants_aggregated(request):
            found = discovery.aggregated(self.api.store.resources, core=False)
            return answer(found, media=discovery.AGGREGATED)
        return answer(discovery.group_list(self.api.store.resources))

    async def _group(self, request: web.Request) -> web.Response:
        return _found(discovery.group(self.api.store.resources, request.match_info["group"]))

    async def _resources(self, request: web.Request) -> web.Response:
        group, version = request.match_info.get("group", ""), request.match_info["version"]
        return _found(discovery.resource_list(self.api.store.resources, group, version))

    async def _openapi_v2(self, _: web.Request) -> web.Response:
        return web.Response(body=openapi.EMPTY_V2, content_type=openapi.EMPTY_V2_MEDIA)

    async def _openapi_index(self, _: web.Request) -> web.Response:
        resources = self.api.store.resources
        return answer(openapi.index(resources, str(resources.revision)))

    async def _openapi(self, request: web.Request) -> web.Response:
        group, version = request.match_info.get("group", ""), request.match_info["version"]
        return _found(openapi.document(self.api.store.resources, group, version))

    async def _object(self, request: web.Request) -> web.StreamResponse:
        info = request.match_info
        target = parse(info.get("group", ""), info["version"], info["path"])
        review = next((r for r in discovery.REVIEWS if r.key == target.resource), None)
        if review:
            return await self._review(request, review)
        resource = self.api.store.resources.find(target.group, target.version, target.plural)
        if target.namespace and not resource.namespaced:
            raise errors.no_such_path()
        if target.subresource:
            return await self._subresource(request, target, resource)
        return await (self._named(request, target) if target.name else self._collection(request, target))

    async def _review(self, request: web.Request, review: Resource) -> web.Response:
        if request.method != "POST":
            raise errors.method_not_allowed()
        return answer(answer_review(review.plural, await object_body(request), request[USER]), 201)

    async def _collection(self, request: web.Request, target: Target) -> web.StreamResponse:
        match request.method:
            case "GET" if request.query.get("watch") in ("true", "1"):
                return await read.watch(self.api, request, target, self.closing)
            case "GET":
                return read.list_(self.api, request, target)
            case "POST":
                return await write.create(self.api, request, target)
            case "DELETE":
                return await write.delete_collection(self.api, request, target)
        raise errors.method_not_allowed()

    async def _named(self, request: web.Request, target: Target) -> web.StreamResponse:
        match request.method:
            case "GET" if request.query.get("watch") in ("true", "1"):
                return await read.watch(self.api, request, target, self.closing)
            case "GET":
                return read.get(self.api, request, target)
            case "PUT":
                return await write.update(self.api, request, target)
            case "PATCH":
                return await write.patch(self.api, request, target)
            case "DELETE":
                return await write.delete(self.api, request, target)
        raise errors.method_not_allowed()

    async def _subresource(self, request: web.Request, target: Target, resource: Resource) -> web.StreamResponse:
        if target.subresource not in resource.subresources:
            raise errors.no_such_path()
        match target.subresource, request.method:
            case "status", "GET" | "PUT" | "PATCH":
                return await self._named(request, target)
            case "scale", _:
                return await subresources.scale(self.api, request, target)
            case "log", "GET":
                return await subresources.log(self.api, request, target, self.runtime)
            case "proxy", _:
                return await subresources.proxy(self.api, request, target)
            case "token", "POST":
                return await subresources.token(self.api, request, target, self.authenticator.tokens)
            case "exec", "GET" | "POST":
                return await execute.execute(self.api, request, target, self.runtime)
            case "portforward", "GET" | "POST":
                return await forward.forward(self.api, request, target, self.runtime, self.closing)
            case "attach", _:
                raise errors.not_implemented("pods/attach (see docs/lab-cluster.md, What is left out)")
        raise errors.method_not_allowed()


def _wants_aggregated(request: web.Request) -> bool:
    accepted = request.headers.get("Accept", "").replace(" ", "")
    return any("as=APIGroupDiscoveryList" in part and "v=v2" in part.split(";") for part in accepted.split(","))


def _found(value: Obj | None) -> web.Response:
    if value is None:
        raise errors.no_such_path()
    return answer(value)
