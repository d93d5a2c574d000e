"""get, list and watch."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from aiohttp import web

from lab.cluster import errors
from lab.cluster.api import Api
from lab.cluster.errors import ApiError
from lab.cluster.journal import Change
from lab.cluster.objects import Obj, name_of, namespace_of
from lab.cluster.resources import Resource
from lab.cluster.selectors import Predicate, field_selector, label_selector
from lab.cluster.web.answer import answer, encode, shaped, shaped_list
from lab.cluster.web.request import Form, Target, form

_BOOKMARK_EVERY = 60.0  # seconds
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


def get(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    obj = api.get(target.resource, target.namespace, target.name, target.version)
    return answer(shaped(api, resource, target.version, obj, form(request)))


def list_(api: Api, request: web.Request, target: Target) -> web.Response:
    resource = api.store.resources.find(target.group, target.version, target.plural)
    selected = _selector(request, target)
    items = [obj for obj in api.store.list(target.resource, target.namespace or None) if selected(obj)]
    items, metadata = _page(items, api.store.revision, request)
    outward = [api.in_version(obj, resource, target.version) for obj in items]
    return answer(shaped_list(api, resource, target.version, outward, metadata, form(request)))


def _selector(request: web.Request, target: Target) -> Predicate:
    by_label = label_selector(request.query.get("labelSelector", ""))
    by_field = field_selector(request.query.get("fieldSelector", ""))
    name = target.name

    def selected(obj: Obj) -> bool:
        return by_label(obj) and by_field(obj) and (not name or name_of(obj) == name)

    return selected


def _page(items: list[Obj], revision: str, request: web.Request) -> tuple[list[Obj], Obj]:
    """The page that `limit` and `continue` ask for, and the list's metadata."""
    limit = _number(request, "limit", 0)
    token = request.query.get("continue")
    if token:
        after, revision = _read_token(token)
        items = [obj for obj in items if (namespace_of(obj), name_of(obj)) > after]
    metadata: Obj = {"resourceVersion": revision}
    if limit and len(items) > limit:
        last = items[limit - 1]
        metadata["continue"] = _token((namespace_of(last), name_of(last)), revision)
        metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return items, metadata


def _token(after: tuple[str, str], revision: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([*after, revision]).encode()).decode()


def _read_token(token: str) -> tuple[tuple[str, str], str]:
    try:
        namespace, name, revision = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error) as error:
        raise errors.bad_request("continue key is not valid: start the list again without it") from error
    return (namespace, name), revision


def _number(request: web.Request, field: str, default: int) -> int:
    text = request.query.get(field) or str(default)
    try:
        return int(text)
    except ValueError:
        raise errors.bad_request(f"{field}: {text!r} is not a number") from None


@dataclass(frozen=True)
class _Watch:
    """One client's watch: what it sees of each change, and how."""

    api: Api
    resource: Resource
    target: Target
    selected: Predicate
    how: Form
    bookmarks: bool

    def event(self, kind: str, obj: Obj) -> bytes:
        outward = self.api.in_version(obj, self.resource, self.target.version)
        return encode({"type": kind, "object": shaped(self.api, self.resource, self.target.version, outward, self.how)})

    def bookmark(self, revision: str, annotations: Obj | None = None) -> bytes:
        """Everything up to `revision` has been sent."""
        metadata: Obj = {"resourceVersion": revision, "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        api_version = self.resource.api_version(self.target.version)
        obj = {"kind": self.resource.kind, "apiVersion": api_version, "metadata": metadata}
        return encode({"type": "BOOKMARK", "object": obj})

    def current(self) -> list[bytes]:
        items = self.api.store.list(self.target.resource, self.target.namespace or None)
        return [self.event("ADDED", obj) for obj in items if self.selected(obj)]

    def seen(self, change: Change) -> bytes | None:
        """The change as this watch sees it: objects may move into and out of its selector."""
        if self.target.namespace and namespace_of(change.obj) != self.target.namespace:
            return None
        before = change.previous is not None and self.selected(change.previous)
        after = change.kind != "DELETED" and self.selected(change.obj)
        if after:
            return self.event("MODIFIED" if before else "ADDED", change.obj)
        return self.event("DELETED", change.obj) if before else None


async def watch(api: Api, request: web.Request, target: Target, closing: asyncio.Event) -> web.StreamResponse:
    """Stream changes until the client goes, the time is up or the server closes."""
    resource = api.store.resources.find(target.group, target.version, target.plural)
    bookmarks = request.query.get("allowWatchBookmarks") in ("true", "1")
    watching = _Watch(api, resource, target, _selector(request, target), form(request), bookmarks)
    since = _number(request, "resourceVersion", 0)
    seconds = _number(request, "timeoutSeconds", 0) or random.randint(1800, 3600)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    end = asyncio.create_task(closing.wait())
    with suppress(ConnectionResetError):
        async with aclosing(_events(watching, request, since)) as events:
            await _pump(watching, events, response.write, end, seconds)
    end.cancel()
    return response


async def _events(watching: _Watch, request: web.Request, since: int) -> AsyncGenerator[bytes, None]:
    initial = request.query.get("sendInitialEvents") == "true"
    if initial or not since:
        since = int(watching.api.store.revision)
        for event in watching.current():
            yield event
    if initial:
        yield watching.bookmark(str(since), _INITIAL_EVENTS_END)
    try:
        async with aclosing(watching.api.store.watch(watching.target.resource, str(since))) as changes:
            async for change in changes:
                if seen := watching.seen(change):
                    yield seen
    except ApiError as error:
        yield encode({"type": "ERROR", "object": error.to_status()})


async def _pump(
    watching: _Watch,
    events: AsyncIterator[bytes],
    write: Callable[[bytes], Awaitable[None]],
    end: asyncio.Task[bool],
    seconds: float,
) -> None:
    """Write events as they come, a bookmark when none came for a while; return when it is time to."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    upcoming = asyncio.ensure_future(anext(events))
    try:
        while (left := deadline - loop.time()) > 0:
            revision = watching.api.store.revision  # what follows it may still be on its way
            done, _ = await asyncio.wait(
                {upcoming, end}, timeout=min(left, _BOOKMARK_EVERY), return_when=asyncio.FIRST_COMPLETED
            )
            if end in done:
                return
            if upcoming in done:
                await write(upcoming.result())
                upcoming = asyncio.ensure_future(anext(events))
            elif watching.bookmarks:
                await write(watching.bookmark(revision))
    except StopAsyncIteration:
        return
    finally:
        upcoming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await upcoming
