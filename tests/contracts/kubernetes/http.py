"""A few lines over HTTP, so that a contract test reads as the request that it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

Obj = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Answer:
    code: int
    body: Obj
    headers: httpx2.Headers

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", ""))

    @property
    def fields(self) -> list[str]:
        """The fields that an Invalid or Conflict error names."""
        return [cause.get("field", "") for cause in self.body.get("details", {}).get("causes", [])]


@dataclass(frozen=True)
class Http:
    """An API server and whoever speaks to it."""

    client: httpx2.Client

    def get(self, path: str, **query: Any) -> Answer:
        return self._send("GET", path, query)

    def post(self, path: str, obj: Obj, **query: Any) -> Answer:
        return self._send("POST", path, query, obj)

    def put(self, path: str, obj: Obj, **query: Any) -> Answer:
        return self._send("PUT", path, query, obj)

    def delete(self, path: str, options: Obj | None = None, **query: Any) -> Answer:
        return self._send("DELETE", path, query, options)

    def patch(self, path: str, patch: Any, media: str = MERGE_PATCH, **query: Any) -> Answer:
        return self._send("PATCH", path, query, patch, media)

    def apply(self, path: str, obj: Obj, manager: str, *, force: bool = False) -> Answer:
        query = {"fieldManager": manager} | ({"force": "true"} if force else {})
        return self._send("PATCH", path, query, obj, APPLY_PATCH)

    def as_(self, accept: str, path: str, **query: Any) -> Answer:
        return self._answer(self.client.get(path, params=query, headers={"Accept": accept}))

    @contextmanager
    def watch(self, path: str, **query: Any) -> Iterator[Iterator[tuple[str, Obj]]]:
        """The events of a watch, which ends after five seconds at the latest."""
        asked = {"watch": "true", "timeoutSeconds": "5"} | query
        with self.client.stream("GET", path, params=asked) as response:
            yield ((event["type"], event["object"]) for event in map(json.loads, response.iter_lines()))

    def _send(self, method: str, path: str, query: Obj, body: Any = None, media: str = "application/json") -> Answer:
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": media} if content else {}
        return self._answer(self.client.request(method, path, params=query, content=content, headers=headers))

    @staticmethod
    def _answer(response: httpx2.Response) -> Answer:
        return Answer(response.status_code, response.json(), response.headers)


def established(api: Http, name: str) -> None:
    """Return when the definition of this name is served."""
    with api.watch(DEFINITIONS, fieldSelector=f"metadata.name={name}") as events:
        for _, obj in events:
            conditions = {c["type"]: c["status"] for c in obj.get("status", {}).get("conditions") or []}
            if conditions.get("Established") == "True":
                return
    raise AssertionError(f"{name} was not established")
