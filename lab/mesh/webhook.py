"""The HTTPS server that the API asks when a pod is created, and its registration with the API."""

from __future__ import annotations

import base64
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import trustme
from aiohttp import web

from lab.mesh.injection import INJECT, JsonPatch, RefusedError
from lab.mesh.world import Obj

PATH = "/mutate-v1-pod"
NAME = "appmesh-controller-mutating-webhook-configuration"

Inject = Callable[[Obj, str], Awaitable[JsonPatch]]  # (pod, namespace) → patch; raises RefusedError

_log = logging.getLogger(__name__)


def application(inject: Inject) -> web.Application:
    """Answers AdmissionReviews (admission.k8s.io/v1) of pods by `inject`."""

    async def mutate(request: web.Request) -> web.Response:
        return web.json_response(await review((await request.json())["request"], inject))

    app = web.Application(client_max_size=4 * 2**20)
    app.router.add_post(PATH, mutate)
    return app


async def review(request: Obj, inject: Inject) -> dict[str, Any]:
    """The AdmissionReview that answers `request`."""
    answer: dict[str, Any] = {"uid": request["uid"], "allowed": True}
    try:
        patch = await inject(request["object"], request["namespace"])
    except RefusedError as error:
        _log.info("refused a pod in %s: %s", request["namespace"], error)
        answer |= {"allowed": False, "status": {"code": 422, "message": str(error)}}
    else:
        if patch:
            encoded = base64.b64encode(json.dumps(patch).encode()).decode()
            answer |= {"patchType": "JSONPatch", "patch": encoded}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}


def certificate(address: str) -> tuple[ssl.SSLContext, bytes]:
    """A server's TLS context for that address, and the CA that signed it as PEM. New at every start."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(address).configure_cert(context)
    return context, authority.cert_pem.bytes()


def registration(url: str, authority: bytes) -> dict[str, Any]:
    """The MutatingWebhookConfiguration."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    labelled = {"key": INJECT, "operator": "In", "values": ["enabled", "disabled"]}
    webhook = {
        "name": "mpod.appmesh.k8s.aws",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
        "namespaceSelector": {"matchExpressions": [labelled]},
        "rules": [rule],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 10,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [webhook],
    }
