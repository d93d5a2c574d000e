"""What an adapter's methods ask of AWS, read from their code: port's method → IAM's actions."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache

import boto3

from canario.adapters.alarms import CloudWatchAlarms
from canario.adapters.calendars import ChangeCalendars
from canario.adapters.cloudmap import CloudMapServices
from canario.adapters.cloudwatch import NodeMetrics
from canario.adapters.controller import ControllerMetrics
from canario.adapters.ecr import Repositories
from canario.adapters.events import Bus
from canario.adapters.executions import Executions
from canario.adapters.faults import SampledFaults
from canario.adapters.lifetimes import LifetimeRecords
from canario.adapters.notices import Topic
from canario.adapters.records import RolloutRecords, WorkshopRecords
from canario.adapters.rollout_executions import Running, Starting
from canario.adapters.rollout_waits import RolloutTokens
from canario.adapters.route53 import PrivateZone
from canario.adapters.shared_observer import ObserverDesk, SharedObserver
from canario.adapters.tasks import TaskTokens
from canario.adapters.templates import TemplateRecords
from canario.adapters.waits import WaitRecords
from canario.adapters.xray import XRay

# Port → the class that the functions use for it (lambdas/composition.py), and boto3's name of its service.
ADAPTERS: Mapping[str, tuple[type, str]] = {
    "zone": (PrivateZone, "route53"),
    "cloud_map": (CloudMapServices, "servicediscovery"),
    "images": (Repositories, "ecr"),
    "records": (WorkshopRecords, "dynamodb"),
    "rollouts": (RolloutRecords, "dynamodb"),
    "waits": (WaitRecords, "dynamodb"),
    "lifetimes": (LifetimeRecords, "dynamodb"),
    "events": (Bus, "events"),
    "traces": (XRay, "xray"),
    "metrics": (NodeMetrics, "cloudwatch"),
    "alarms": (CloudWatchAlarms, "cloudwatch"),
    "tasks": (TaskTokens, "stepfunctions"),
    "machine": (Executions, "stepfunctions"),
    "rollout_machine": (Starting, "stepfunctions"),
    "executions": (Running, "stepfunctions"),
    "tokens": (RolloutTokens, "dynamodb"),
    "templates": (TemplateRecords, "dynamodb"),
    "calendars": (ChangeCalendars, "ssm"),
    "controller": (ControllerMetrics, "cloudwatch"),
    "faults": (SampledFaults, "xray"),
    "topic": (Topic, "sns"),
    "observer": (SharedObserver, "dynamodb"),
    "desk": (ObserverDesk, "dynamodb"),
}
# What an adapter that is made of another one asks that for.
HANDED_ON: Mapping[str, tuple[str, ...]] = {
    "tokens.wake": ("tasks.succeed",),
    "faults.read": ("traces.graph",),
    "observer.call": ("rollout_machine.start",),
}
# Ports that reach no AWS API, and those that are made of others, which are watched themselves.
OTHERS = {"kubernetes", "http", "tls", "certificates", "routers", "data_plane"}
# The permissions' calls, by lambdas/composition.py.
TRIED = ("zone.records", "cloud_map.namespaces")
IAM = {"stepfunctions": "states"}  # boto3's name → IAM's, where they differ
# Names of the table resource, and transactions, which IAM knows by what is in them.
DYNAMODB = {"batch_writer": "BatchWriteItem", "transact_write_items": "PutItem"}
# What AWS wants of the caller besides. Source: the actions' pages in Cloud Map's API reference.
IMPLIED = {
    "servicediscovery:CreateService": {
        "servicediscovery:TagResource",
        "route53:GetHostedZone",
        "route53:ChangeResourceRecordSets",
    },
    "servicediscovery:RegisterInstance": {"route53:GetHostedZone", "route53:ChangeResourceRecordSets"},
    "servicediscovery:DeregisterInstance": {"route53:GetHostedZone", "route53:ChangeResourceRecordSets"},
}


def actions(called: set[str]) -> set[str]:
    """IAM's actions for these methods of ports, `zone.upsert` for example, with what they imply."""
    asked = {each for each in called if not each.startswith("permissions.")}
    if asked != called:
        asked |= set(TRIED)
    asked = asked.union(*(HANDED_ON.get(each, ()) for each in asked))
    found = {action for each in asked for action in _of(each)}
    return found.union(*(IMPLIED.get(action, set()) for action in found))


@cache
def _of(method: str) -> frozenset[str]:
    port, _, name = method.partition(".")
    if port in OTHERS:
        return frozenset()
    adapter, service = ADAPTERS[port]
    known = {**_operations(service), **(DYNAMODB if service == "dynamodb" else {})}
    prefix = IAM.get(service, service)
    names = _reached(adapter, name)
    return frozenset(f"{prefix}:{known[each]}" for each in names if each in known)


@cache
def _operations(service: str) -> Mapping[str, str]:
    """`list_services` → `ListServices`."""
    client = boto3.client(service, region_name="us-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    return dict(client.meta.method_to_api_mapping)


def _reached(adapter: type, method: str) -> set[str]:
    """Every name that the method uses, and those that its class's and module's own functions use for it."""
    module = ast.parse(inspect.getsource(inspect.getmodule(adapter)))  # type: ignore[arg-type]
    classes = {each.name: each for each in module.body if isinstance(each, ast.ClassDef)}
    own = {each.name: each for each in classes[adapter.__name__].body if isinstance(each, ast.FunctionDef)}
    outside = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
    names: set[str] = set()
    waiting, seen = [own[method]], set()
    while waiting:
        function = waiting.pop()
        if function not in seen:
            seen.add(function)
            names |= set(_names(function)) | _bare(function)  # a function of another adapter is named for its call
            waiting += [own[name] for name in _calls_of_self(function) if name in own]
            waiting += [each for name, each in outside.items() if name in _bare(function)]
    return names


def _names(function: ast.FunctionDef) -> Iterator[str]:
    """Attributes of anything but `self` and batches, and texts: a paginator is asked for by its operation's name."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and not _is(node.value, "self") and not _is(node.value, "batch"):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _calls_of_self(function: ast.FunctionDef) -> set[str]:
    return {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute) and _is(node.value, "self")}


def _bare(function: ast.FunctionDef) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
