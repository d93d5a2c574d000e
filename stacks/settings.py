"""What the stacks can be told: cdk context in, one validated value out.

Every setting is a context value named `canario:<field>`: on the command line `-c canario:dialects=gateway`, or in
cdk.json. Values from the command line are strings, those from cdk.json may be JSON; both are taken.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network
from typing import Any, TypeVar

from stacks.schedules import RolloutSchedule, WorkshopSchedule, rollout_schedules, workshop_schedules

PREFIX = "canario:"
DIALECTS = ("appmesh", "gateway")
PYTHON_VERSIONS = ("3.11", "3.12", "3.13", "3.14")
ARCHITECTURES = ("arm64", "x86_64")
LOG_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 2192, 2557, 2922, 3288, 3653)

KUBERNETES_VERSIONS = ("1.35", "1.36")
LONGEST_WAIT_HOURS = 24 * 90
MOST_NODES = 100

T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_ADDRESS = re.compile(r"https://\S+|[^@\s,]+@[^@\s,]+")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class BadSetting(Exception):
    """A setting is not allowed; its text is one line for the person who typed it."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"setting {PREFIX}{name}: {value!r} is not allowed; allowed: {allowed}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that may differ between two installations. The defaults are AWS's; the lab names its own."""

    region: str = ""  # empty: that of the credentials, or the document's
    cluster_name: str = "app-mesh"
    cluster_endpoint: str = ""  # of a cluster that exists; empty: one of our own is made
    cluster_ca: str = ""  # base64 of PEM; goes with the endpoint
    cluster_access: bool = True  # whether the functions get access entries
    cluster_contents: bool = False  # whether a cluster that exists gets rights, collectors and the EnvoyFilter
    api_server_cidrs: tuple[str, ...] = ()  # from where the API servers of a cluster that exists call its pods
    dialects: tuple[str, ...] = ("gateway",)  # the first is the default
    function_environment: Mapping[str, str] = field(default_factory=dict)
    log_retention_days: int = 30
    zone_name: str = "appmeshworkshop.hosted.local"
    vpc_id: str = ""  # of a cluster that exists; empty: a VPC of our own that only holds the zone
    function_subnet_ids: tuple[str, ...] = ()  # where a cluster that exists has to be reached from
    function_security_group_ids: tuple[str, ...] = ()
    kubernetes_version: str = "1.36"
    node_group_name: str = "standard-workers"
    node_type: str = "t3.large"  # 35 pods; the document's t2.micro holds four
    nodes: int = 3
    nodes_min: int = 1
    nodes_max: int = 4
    nat_gateways: int = 1
    public_endpoint_cidrs: tuple[str, ...] = ()  # who may reach the cluster's API from outside; empty: nobody
    cluster_admins: tuple[str, ...] = ()  # IAM roles and users, for kubectl
    istio_version: str = "1.31.0"
    xray_group: bool = True
    image_builds: bool = True  # in CodeBuild
    image_tag: str = ""  # empty: the digest of apps/demo
    python_version: str = "3.14"
    architecture: str = "arm64"
    guided_heartbeat_hours: int = 4  # a guided stage without a sign of life for so long is abandoned
    guided_timeout_hours: int = 72  # and so is one that takes so long
    rollout_schedules: tuple[RolloutSchedule, ...] = ()
    workshop_schedules: tuple[WorkshopSchedule, ...] = ()
    observe_from: int = 100  # rollouts at once, from which on a shared observer reads for all of them; 0: never
    notify: tuple[str, ...] = ()  # who is told how rollouts end, and of alarms: e-mail, or https://…


def settings_from(context: Mapping[str, Any]) -> Settings:
    """The settings in a cdk context. Raises BadSetting naming the first one that is not allowed."""
    given = {name.removeprefix(PREFIX): value for name, value in context.items() if name.startswith(PREFIX)}
    known = tuple(each.name for each in fields(Settings))
    for name, value in given.items():
        if name not in known:
            raise BadSetting(name, value, f"only the settings {', '.join(known)}")
    settings = Settings(**{name: _PARSERS[name](name, value) for name, value in given.items()})
    for name, holds, allowed in _together(settings):
        if not holds:
            raise BadSetting(name, getattr(settings, name), allowed)
    return settings


def _together(settings: Settings) -> Iterator[tuple[str, bool, str]]:
    """What settings owe each other: the one to blame, whether it holds, what is allowed."""
    timeout = settings.guided_timeout_hours
    yield (
        "guided_heartbeat_hours",
        settings.guided_heartbeat_hours < timeout,
        f"fewer than guided_timeout_hours, {timeout}",
    )
    exists = bool(settings.cluster_endpoint)
    yield (
        "cluster_ca",
        bool(settings.cluster_ca) == exists,
        "the CA of the cluster at cluster_endpoint; both or neither",
    )
    for name in ("vpc_id", "function_subnet_ids", "function_security_group_ids"):
        yield (
            name,
            exists or not getattr(settings, name),
            "with cluster_endpoint; a cluster of our own has its own network",
        )
    subnets, groups = settings.function_subnet_ids, settings.function_security_group_ids
    yield "function_security_group_ids", bool(subnets) == bool(groups), "with function_subnet_ids; both or neither"
    yield (
        "dialects",
        exists or "gateway" in settings.dialects,
        "gateway among them, for a cluster of our own: AWS ended App Mesh",
    )
    contents = settings.cluster_contents
    yield "cluster_contents", exists or not contents, "no, for a cluster of our own, which gets all that"
    yield "api_server_cidrs", bool(settings.api_server_cidrs) == contents, "with cluster_contents; both or neither"
    yield "vpc_id", not (contents and subnets) or bool(settings.vpc_id), "the VPC of function_subnet_ids"
    yield "cluster_access", exists or settings.cluster_access, "yes, for a cluster of our own"
    yield "nodes_min", settings.nodes_min <= settings.nodes, f"at most nodes, {settings.nodes}"
    yield "nodes_max", settings.nodes_max >= settings.nodes, f"at least nodes, {settings.nodes}"


def _matching(pattern: re.Pattern[str], allowed: str) -> Callable[[str, Any], str]:
    def parse(name: str, value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadSetting(name, value, allowed)
        return value

    return parse


def _one_of(choices: tuple[str, ...]) -> Callable[[str, Any], str]:
    def parse(name: str, value: Any) -> str:
        if value not in choices:
            raise BadSetting(name, value, ", ".join(choices))
        return str(value)

    return parse


def _dialects(name: str, value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or not given or len(set(given)) < len(given) or not set(given) <= set(DIALECTS):
        raise BadSetting(name, value, f"{', '.join(DIALECTS)}, or both with a comma, the default first")
    return tuple(given)


def _environment(name: str, value: Any) -> Mapping[str, str]:
    allowed = 'an object of strings, such as {"HTTPS_PROXY": "http://proxy:3128"}; of AWS_… only AWS_ENDPOINT_URL_…'
    try:
        given = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise BadSetting(name, value, allowed) from None
    if not isinstance(given, dict) or not all(_settable(key, text) for key, text in given.items()):
        raise BadSetting(name, value, allowed)
    return dict(given)


def _settable(name: object, value: object) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and _VARIABLE.fullmatch(name) is not None
        and (not name.upper().startswith(("AWS_", "CANARIO_")) or name.startswith("AWS_ENDPOINT_URL_"))
    )


def _number(least: int, most: int, what: str) -> Callable[[str, Any], int]:
    def parse(name: str, value: Any) -> int:
        if not re.fullmatch("[0-9]+", str(value)) or not least <= int(value) <= most:
            raise BadSetting(name, value, f"{what}, {least} to {most}")
        return int(value)

    return parse


def _several(pattern: str, what: str) -> Callable[[str, Any], tuple[str, ...]]:
    def parse(name: str, value: Any) -> tuple[str, ...]:
        given = value.split(",") if isinstance(value, str) else value
        texts = isinstance(given, list) and all(isinstance(each, str) for each in given)
        if not texts or not given or not all(re.fullmatch(pattern, each) for each in given):
            raise BadSetting(name, value, f"{what}, several with commas")
        return tuple(given)

    return parse


def _ranges(name: str, value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(str(IPv4Network(each)) for each in given)
    except (ValueError, TypeError):
        raise BadSetting(name, value, "IPv4 ranges, 203.0.113.0/24 for example, several with commas") from None


def _yes_or_no(name: str, value: Any) -> bool:
    known = {"yes": True, "no": False, "true": True, "false": False}
    if str(value).lower() not in known:
        raise BadSetting(name, value, "yes, no")
    return known[str(value).lower()]


def _retention(name: str, value: Any) -> int:
    if str(value) not in map(str, LOG_RETENTION_DAYS):
        raise BadSetting(name, value, f"days that CloudWatch Logs knows: {', '.join(map(str, LOG_RETENTION_DAYS))}")
    return int(value)


def _schedules(parse: Callable[[Any], tuple[T, ...]], example: str) -> Callable[[str, Any], tuple[T, ...]]:
    def parsed(name: str, value: Any) -> tuple[T, ...]:
        try:
            return parse(json.loads(value) if isinstance(value, str) else value)
        except (ValueError, TypeError, KeyError) as error:
            raise BadSetting(name, value, f"a list such as {example} ({error})") from None

    return parsed


def _addresses(name: str, value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(each, str) and _ADDRESS.fullmatch(each) for each in given):
        raise BadSetting(name, value, "e-mail addresses and https:// URLs, with commas between them")
    return tuple(given)


_WHEN = '"expression": "cron(0 9 ? * MON-FRI *)", "time_zone": "America/Sao_Paulo", "flexible_minutes": 15}]'
_ROLLOUTS = f'[{{"name": "Weekdays", "template": "nodejs", {_WHEN}'
_WORKSHOPS = f'[{{"name": "Class", "workshops": ["turma-01"], "input": {{"mode": "guided"}}, {_WHEN}'
_PARSERS: Mapping[str, Callable[[str, Any], Any]] = {
    "region": _matching(re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]"), "a region, us-west-1 for example"),
    "cluster_name": _matching(_NAME, "a name of letters, digits and '-' that begins with a letter"),
    "cluster_endpoint": _matching(re.compile(r"https://\S+"), "the API server's URL, https://…"),
    "cluster_ca": _matching(re.compile(r"[A-Za-z0-9+/]+={0,2}"), "the cluster's CA certificate, base64 of its PEM"),
    "dialects": _dialects,
    "function_environment": _environment,
    "log_retention_days": _retention,
    "zone_name": _matching(_DOMAIN, "a domain name in lower case"),
    "vpc_id": _matching(re.compile(r"vpc-[0-9a-f]+"), "a VPC's id, vpc-…"),
    "python_version": _one_of(PYTHON_VERSIONS),
    "architecture": _one_of(ARCHITECTURES),
    "guided_heartbeat_hours": _number(1, LONGEST_WAIT_HOURS, "whole hours"),
    "guided_timeout_hours": _number(1, LONGEST_WAIT_HOURS, "whole hours"),
    "cluster_access": _yes_or_no,
    "cluster_contents": _yes_or_no,
    "api_server_cidrs": _ranges,
    "function_subnet_ids": _several(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})", "subnets' ids, subnet-…"),
    "function_security_group_ids": _several(r"sg-([0-9a-f]{8}|[0-9a-f]{17})", "security groups' ids, sg-…"),
    "kubernetes_version": _one_of(KUBERNETES_VERSIONS),
    "node_group_name": _matching(_NAME, "a name of letters, digits and '-' that begins with a letter"),
    "node_type": _matching(re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+"), "an EC2 instance type, t3.large for example"),
    "nodes": _number(1, MOST_NODES, "a number of nodes"),
    "nodes_min": _number(1, MOST_NODES, "a number of nodes"),
    "nodes_max": _number(1, MOST_NODES, "a number of nodes"),
    "nat_gateways": _number(1, 2, "a number of gateways"),
    "public_endpoint_cidrs": _ranges,
    "cluster_admins": _several(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/\S+", "ARNs of IAM roles and users"),
    "image_builds": _yes_or_no,
    "xray_group": _yes_or_no,
    "image_tag": _matching(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"), "a tag of an image"),
    "istio_version": _matching(
        re.compile(r"[0-9]+\.[0-9]+\.[0-9]+"), "a version of Istio's charts, 1.31.0 for example"
    ),
    "rollout_schedules": _schedules(rollout_schedules, _ROLLOUTS),
    "workshop_schedules": _schedules(workshop_schedules, _WORKSHOPS),
    "observe_from": _number(0, 1_000_000, "a number of rollouts"),
    "notify": _addresses,
}
