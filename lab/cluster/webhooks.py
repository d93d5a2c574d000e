"""Mutating admission webhooks, called when objects are created (updates are not sent: docs/lab-cluster.md).

Source: admission.k8s.io/v1 AdmissionReview, admissionregistration.k8s.io/v1 MutatingWebhookConfiguration.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import ssl
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import jsonpatch

from lab.cluster.errors import ApiError
from lab.cluster.objects import Obj, copy, dig, name_of, namespace_of
from lab.cluster.options import Options
from lab.cluster.resources import Resource
from lab.cluster.selectors import selects
from lab.cluster.store import Store

CONFIGURATIONS = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
_log = logging.getLogger(__name__)


class Webhooks(Protocol):
    async def admit(self, resource: Resource, obj: Obj, options: Options) -> Obj:
        """`obj` as the webhooks want it created; `ApiError` when one of them refuses."""
        ...


class NoWebhooks:
    async def admit(self, resource: Resource, obj: Obj, options: Options) -> Obj:
        return obj


class WebhookError(Exception):
    """A webhook could not be asked, or its answer makes no sense."""


@dataclass(frozen=True)
class HttpWebhooks:
    """Asks the webhooks that the store's configurations name, in the order of their names."""

    store: Store

    async def admit(self, resource: Resource, obj: Obj, options: Options) -> Obj:
        for configuration in self.store.list(CONFIGURATIONS):
            for webhook in configuration.get("webhooks") or []:
                if self._applies(webhook, resource, obj, options):
                    obj = await self._ask(webhook, resource, obj, options)
        return obj

    def _applies(self, webhook: Obj, resource: Resource, obj: Obj, options: Options) -> bool:
        version = options.version or resource.versions[0]
        if not any(_rule_matches(rule, resource, version) for rule in webhook.get("rules") or []):
            return False
        namespace = self.store.peek("namespaces", namespace_of(obj)) if resource.namespaced else None
        if resource.namespaced and not _selected(webhook.get("namespaceSelector"), namespace or {}):
            return False
        return _selected(webhook.get("objectSelector"), obj)

    async def _ask(self, webhook: Obj, resource: Resource, obj: Obj, options: Options) -> Obj:
        review = _review(resource, obj, options)
        try:
            answer = await self._call(webhook, review)
            return _patched(obj, answer, webhook["name"], options)
        except (WebhookError, aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as error:
            if webhook.get("failurePolicy") == "Ignore":
                _log.warning("webhook %s failed, ignored by its failurePolicy: %s", webhook["name"], error)
                return obj
            why = f'failed calling webhook "{webhook["name"]}": {error or type(error).__name__}'
            raise ApiError(500, "InternalError", f"Internal error occurred: {why}") from error

    async def _call(self, webhook: Obj, review: Obj) -> Obj:
        url, server_name = self._address(webhook["clientConfig"])
        timeout = aiohttp.ClientTimeout(total=webhook.get("timeoutSeconds", 10))
        tls = _tls(webhook["clientConfig"]) if url.startswith("https:") else True
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, json=review, ssl=tls, server_hostname=server_name) as response,
        ):
            text = await response.text()
            if response.status != 200:
                raise WebhookError(f"it answered {response.status}: {text[:200]}")
        return _response(text, review["request"]["uid"])

    def _address(self, config: Obj) -> tuple[str, str | None]:
        """The URL, and the name that its certificate must have when that is not in the URL."""
        if config.get("url"):
            return str(config["url"]), None
        service = config.get("service") or {}
        namespace, name = service.get("namespace", ""), service.get("name", "")
        host, port = self._endpoint(namespace, name, service.get("port", 443))
        path = "/" + str(service.get("path") or "").lstrip("/")
        return f"https://{host}:{port}{path}", f"{name}.{namespace}.svc"

    def _endpoint(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        """A ready address behind the service: the lab has no proxy behind cluster IPs."""
        service = self.store.peek("services", name, namespace)
        if service is None:
            raise WebhookError(f'service "{namespace}/{name}" not found')
        wanted = next((p for p in service["spec"].get("ports", []) if p["port"] == port), None)
        if wanted is None:
            raise WebhookError(f'service "{namespace}/{name}" has no port {port}')
        for subset in dig(self.store.peek("endpoints", name, namespace), "subsets", default=[]):
            for open_port in subset.get("ports", []):
                if open_port.get("name", "") == wanted.get("name", "") and subset.get("addresses"):
                    return subset["addresses"][0]["ip"], open_port["port"]
        raise WebhookError(f'no endpoints available for service "{namespace}/{name}"')


def _rule_matches(rule: Obj, resource: Resource, version: str) -> bool:
    def has(field: str, value: str) -> bool:
        return bool({"*", value} & set(rule.get(field) or []))

    scope = rule.get("scope", "*") in ("*", "Namespaced" if resource.namespaced else "Cluster")
    return (
        has("operations", "CREATE")
        and has("apiGroups", resource.group)
        and has("apiVersions", version)
        and has("resources", resource.plural)
        and scope
    )


def _selected(selector: Obj | None, obj: Obj) -> bool:
    """An absent or empty selector selects everything here."""
    return not selector or selects(selector, dig(obj, "metadata", "labels", default={}))


def _review(resource: Resource, obj: Obj, options: Options) -> Obj:
    version = options.version or resource.versions[0]
    kind = {"group": resource.group, "version": version, "kind": resource.kind}
    plural = {"group": resource.group, "version": version, "resource": resource.plural}
    request = {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": plural,
        "requestKind": kind,
        "requestResource": plural,
        "name": name_of(obj),
        "operation": "CREATE",
        "userInfo": {"username": options.user.name, "groups": list(options.user.groups)},
        "object": obj,
        "oldObject": None,
        "dryRun": options.dry_run,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    if resource.namespaced:
        request["namespace"] = namespace_of(obj)
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def _tls(config: Obj) -> ssl.SSLContext:
    bundle = config.get("caBundle")
    try:
        pem = base64.b64decode(bundle).decode() if bundle else None
        return ssl.create_default_context(cadata=pem)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError) as error:
        raise WebhookError(f"clientConfig.caBundle: {error}") from error


def _response(text: str, uid: str) -> Obj:
    try:
        response = json.loads(text)["response"]
    except (ValueError, KeyError, TypeError) as error:
        raise WebhookError(f"its answer is no AdmissionReview with a response: {text[:200]}") from error
    if not isinstance(response, dict) or response.get("uid") != uid:
        raise WebhookError(f"expected response.uid={uid!r}, got {dig(response, 'uid')!r}")
    return response


def _patched(obj: Obj, response: Obj, name: str, options: Options) -> Obj:
    options.warnings.extend(response.get("warnings") or [])
    if not response.get("allowed"):
        status = response.get("status") or {}
        reason = status.get("message") or status.get("reason") or "it gave no reason"
        code = max(400, int(status.get("code") or 403))
        raise ApiError(code, "Forbidden", f'admission webhook "{name}" denied the request: {reason}')
    if not response.get("patch"):
        return obj
    try:
        operations: Any = json.loads(base64.b64decode(response["patch"]))
        patched: Obj = jsonpatch.apply_patch(copy(obj), operations)
    except (ValueError, jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise WebhookError(f"its patch does not apply: {error}") from error
    return patched
