"""Mutating webhooks on creation, asked over real HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lab.cluster.api import Api
from lab.cluster.bootstrap import bootstrap
from lab.cluster.client import LocalClient
from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj
from lab.cluster.store import Store
from lab.cluster.webhooks import CONFIGURATIONS, HttpWebhooks

INJECTION = {"op": "add", "path": "/spec/containers/-", "value": {"name": "envoy", "image": "aws-appmesh-envoy"}}


class Injector:
    """A webhook that adds a container, or does what a test tells it."""

    def __init__(self) -> None:
        self.reviews: list[Obj] = []
        self.response: Obj = {"allowed": True, "patchType": "JSONPatch", "patch": _patch([INJECTION])}
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        review = await request.json()
        self.reviews.append(review)
        response = {"uid": review["request"]["uid"]} | self.response
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        return web.json_response(body, status=self.status)


def _patch(operations: list[Any]) -> str:
    return base64.b64encode(json.dumps(operations).encode()).decode()


@pytest.fixture
def injector() -> Injector:
    return Injector()


@pytest.fixture
async def url(injector: Injector) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/mutate", injector.answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/mutate"))


@pytest.fixture
async def client(url: str) -> LocalClient:
    """A cluster with namespaces `meshed` (labelled mesh) and `plain`, and the webhook for the first."""
    store = Store()
    api = Api(store, webhooks=HttpWebhooks(store))
    bootstrap(api)
    client = LocalClient(store, api=api)
    await client.create("namespaces", {"metadata": {"name": "meshed", "labels": {"mesh": "app-mesh"}}})
    await client.create("namespaces", {"metadata": {"name": "plain"}})
    await client.create(CONFIGURATIONS, _configuration(url))
    return client


def _configuration(url: str, **fields: object) -> Obj:
    webhook = {
        "name": "mpod.appmesh.k8s.aws",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"url": url},
        "namespaceSelector": {"matchLabels": {"mesh": "app-mesh"}},
        "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
    }
    return {"metadata": {"name": "injector"}, "webhooks": [webhook | fields]}


def _pod(namespace: str, **labels: str) -> Obj:
    metadata = {"generateName": "p-", "namespace": namespace, "labels": labels}
    return {"metadata": metadata, "spec": {"containers": [{"name": "web", "image": "canario/nodejs"}]}}


def _names(pod: Obj) -> list[str]:
    return [container["name"] for container in pod["spec"]["containers"]]


async def test_a_selected_pod_is_patched(client: LocalClient, injector: Injector) -> None:
    """The JSON patch of the answer is applied, and what it adds has defaults."""
    pod = await client.create("pods", _pod("meshed"))

    assert ["web", "envoy"] == _names(pod)
    assert "Always" == pod["spec"]["containers"][1]["imagePullPolicy"]


async def test_the_review_says_what_is_created(client: LocalClient, injector: Injector) -> None:
    """Namespace, operation, resource and the object with its name."""
    pod = await client.create("pods", _pod("meshed"))
    request = injector.reviews[0]["request"]

    assert ("meshed", "CREATE", "pods") == (
        request["namespace"],
        request["operation"],
        request["resource"]["resource"],
    )
    assert pod["metadata"]["name"] == request["object"]["metadata"]["name"]


async def test_selectors_leave_others_alone(client: LocalClient, injector: Injector) -> None:
    """By the namespace's labels, by the object's, by the rules' resources."""
    plain = await client.create("pods", _pod("plain"))
    skipped = await client.create("pods", _pod("meshed", skip="yes"))
    await client.create("configmaps", {"metadata": {"name": "c", "namespace": "meshed"}})

    assert ([["web"], ["web"]], []) == ([_names(plain), _names(skipped)], injector.reviews)


async def test_a_refusal_is_forbidden(client: LocalClient, injector: Injector) -> None:
    """With the webhook's name and its reason."""
    injector.response = {"allowed": False, "status": {"message": "no mesh for this pod"}}
    with pytest.raises(ApiError) as failed:
        await client.create("pods", _pod("meshed"))

    expected = 'admission webhook "mpod.appmesh.k8s.aws" denied the request: no mesh for this pod'
    assert (403, expected) == (failed.value.code, failed.value.message)
    assert [] == (await client.list("pods"))[0]


@pytest.mark.parametrize("fault", ["status", "patch"])
async def test_a_broken_webhook_stops_the_creation(client: LocalClient, injector: Injector, fault: str) -> None:
    """failurePolicy Fail, the default: the error names the webhook."""
    if fault == "status":
        injector.status = 500
    else:
        injector.response = {"allowed": True, "patch": _patch([{"op": "remove", "path": "/nowhere"}])}
    with pytest.raises(ApiError) as failed:
        await client.create("pods", _pod("meshed"))

    assert 500 == failed.value.code
    assert 'failed calling webhook "mpod.appmesh.k8s.aws"' in failed.value.message


async def test_a_broken_webhook_may_be_ignored(client: LocalClient, injector: Injector, url: str) -> None:
    """failurePolicy Ignore creates the pod as it came."""
    injector.status = 500
    configuration = await client.get(CONFIGURATIONS, "injector")
    configuration["webhooks"][0]["failurePolicy"] = "Ignore"
    await client.replace(CONFIGURATIONS, configuration)

    assert ["web"] == _names(await client.create("pods", _pod("meshed")))
