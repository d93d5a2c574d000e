"""What a function's environment says, as one validated value. Read once, when the function starts."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DIALECTS = ("appmesh", "gateway")


class BadEnvironment(Exception):
    """A variable is missing or malformed; its text is one line that names it."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """docs/contracts.md, Functions. Where AWS is (region, endpoint, credentials) is botocore's to read."""

    table: str
    bus: str
    cluster_name: str
    cluster_endpoint: str
    cluster_ca: str  # PEM
    zone_id: str
    registry: str
    image_tag: str
    dialects: tuple[str, ...]
    metrics_namespace: str
    stage: str | None = None  # stage functions only
    canary_machine: str | None = None  # what starts rollouts only
    order_machine: str | None = None
    observer_machine: str | None = None  # what calls the shared observer only
    observe_from: int = 0  # from so many rollouts on it is called
    topic: str | None = None  # what notifies only
    groups: bool = False  # whether the cluster knows the functions by their groups (canario/workshop/access.py)
    machine: str | None = None  # the workshop machine's ARN: expiry only


def environment_from(variables: Mapping[str, str]) -> Environment:
    """Raises BadEnvironment naming the first variable that is missing or malformed."""
    return Environment(
        table=_text(variables, "CANARIO_TABLE"),
        bus=_text(variables, "CANARIO_BUS"),
        cluster_name=_text(variables, "CANARIO_CLUSTER_NAME"),
        cluster_endpoint=_text(variables, "CANARIO_CLUSTER_ENDPOINT", _is_https, "an https:// URL"),
        cluster_ca=_pem(variables, "CANARIO_CLUSTER_CA"),
        zone_id=_text(variables, "CANARIO_ZONE_ID"),
        registry=_text(variables, "CANARIO_REGISTRY"),
        image_tag=_text(variables, "CANARIO_IMAGE_TAG"),
        dialects=_dialects(variables, "CANARIO_DIALECTS"),
        metrics_namespace=_text(variables, "CANARIO_METRICS_NAMESPACE"),
        stage=variables.get("CANARIO_STAGE"),
        canary_machine=variables.get("CANARIO_CANARY_MACHINE"),
        order_machine=variables.get("CANARIO_ORDER_MACHINE"),
        observer_machine=variables.get("CANARIO_OBSERVER_MACHINE"),
        observe_from=_number({"CANARIO_OBSERVE_FROM": "0", **variables}, "CANARIO_OBSERVE_FROM"),
        topic=variables.get("CANARIO_TOPIC"),
        groups=variables.get("CANARIO_GROUPS") == "yes",
        machine=variables.get("CANARIO_MACHINE"),
    )


def _text(
    variables: Mapping[str, str],
    name: str,
    holds: Callable[[str], bool] = bool,
    allowed: str = "a text that is not empty",
) -> str:
    value = variables.get(name)
    if value is None:
        raise BadEnvironment(f"{name} is not set; allowed: {allowed}. Deploy the stacks again")
    if not holds(value):
        raise BadEnvironment(f"{name}: {value[:80]!r} is not allowed; allowed: {allowed}")
    return value


def _number(variables: Mapping[str, str], name: str) -> int:
    return int(_text(variables, name, str.isdecimal, "a whole number"))


def _is_https(value: str) -> bool:
    return value.startswith("https://") and len(value) > len("https://")


def _pem(variables: Mapping[str, str], name: str) -> str:
    allowed = "base64 of a certificate in PEM"
    try:
        text = base64.b64decode(_text(variables, name, allowed=allowed), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise BadEnvironment(f"{name}: {variables[name][:40]!r} is not allowed; allowed: {allowed}")
    return text


def _dialects(variables: Mapping[str, str], name: str) -> tuple[str, ...]:
    allowed = f"{', '.join(DIALECTS)}, or both with a comma"
    found = tuple(_text(variables, name, allowed=allowed).split(","))
    if not set(found) <= set(DIALECTS):
        raise BadEnvironment(f"{name}: {variables[name]!r} is not allowed; allowed: {allowed}")
    return found
