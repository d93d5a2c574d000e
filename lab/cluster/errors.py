"""What the lab's Kubernetes API answers when it cannot do what it was asked.

ApiError          one class, as on the wire: code and reason tell the kinds apart
├── 400 BadRequest, 401 Unauthorized, 403 Forbidden, 404 NotFound, 405 MethodNotAllowed
├── 409 Conflict, AlreadyExists
├── 410 Expired
├── 415 UnsupportedMediaType, 422 Invalid
└── 500 InternalError, 501 NotImplemented
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """One reason of an Invalid or Conflict error: `reason` as in metav1.CauseType, `field` as a path."""

    reason: str
    message: str
    field: str

    def to_dict(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}


class ApiError(Exception):
    """A failed request; `to_status()` is the metav1.Status that goes over the wire."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details or {}

    def to_status(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }


def _about(resource: str, name: str) -> dict[str, Any]:
    plural, _, group = resource.partition(".")
    return {"name": name, "kind": plural} | ({"group": group} if group else {})


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: str, name: str, why: str, causes: Sequence[Cause] = ()) -> ApiError:
    details = _about(resource, name) | ({"causes": [c.to_dict() for c in causes]} if causes else {})
    return ApiError(403, "Forbidden", f'{resource} "{name}" is forbidden: {why}', details)


def not_found(resource: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', _about(resource, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def already_exists(resource: str, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', _about(resource, name))


def conflict(resource: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, _about(resource, name))


def modified(resource: str, name: str) -> ApiError:
    """The compare-and-set on `resourceVersion` failed."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, why)


def expired(since: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {since} ({oldest})")


def unsupported_media_type(got: str, allowed: Sequence[str]) -> ApiError:
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(allowed)}"
    return ApiError(415, "UnsupportedMediaType", f"{message}; got {got!r}")


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422, worded as kubectl users know it: `Deployment.apps "x" is invalid: spec.selector: Required value`."""
    known_as = f"{kind}.{group}" if group else kind
    parts = [f"{c.field}: {c.message}" if c.field else c.message for c in causes]
    listed = parts[0] if len(parts) == 1 else "[" + ", ".join(parts) + "]"
    details = {"name": name, "kind": kind, "causes": [c.to_dict() for c in causes]}
    if group:
        details["group"] = group
    return ApiError(422, "Invalid", f'{known_as} "{name}" is invalid: {listed}', details)


def not_implemented(what: str) -> ApiError:
    return ApiError(501, "NotImplemented", f"the lab's Kubernetes API does not do this: {what}")
