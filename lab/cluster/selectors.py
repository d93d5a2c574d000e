"""Label and field selectors as they stand in a URL: `app=web,tier!=db,env in (a,b),!legacy`, `spec.nodeName=x`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lab.cluster.errors import bad_request
from lab.cluster.objects import Obj, dig

Predicate = Callable[[Obj], bool]

_KEY = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_SET = re.compile(rf"^(?P<key>{_KEY})\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(rf"^(?P<key>{_KEY})\s*(?P<op>==|!=|=)\s*(?P<value>[-A-Za-z0-9_.]*)$")
_EXISTS = re.compile(rf"^(?P<absent>!?)\s*(?P<key>{_KEY})$")
_FIELD = re.compile(r"^(?P<path>[A-Za-z0-9_.\[\]-]+?)(?P<op>==|!=|=)(?P<value>.*)$")
_ROOT = frozenset({"reason", "type", "reportingComponent", "source", "action"})
_TOP = frozenset({"metadata", "spec", "status", "involvedObject"})


def label_selector(text: str) -> Predicate:
    """A test for objects' labels; 400 for a selector that does not parse."""
    wants = [_label_requirement(part) for part in _split(text)]

    def matches(obj: Obj) -> bool:
        labels = dig(obj, "metadata", "labels", default={})
        return all(want(labels) for want in wants)

    return matches


def field_selector(text: str) -> Predicate:
    """A test for fields by path; absent fields are empty strings, as in Kubernetes."""
    wants = [_field_requirement(part) for part in text.split(",") if part.strip()]

    def matches(obj: Obj) -> bool:
        return all(want(obj) for want in wants)

    return matches


def selects(selector: Mapping[str, object] | None, labels: Mapping[str, str]) -> bool:
    """A metav1.LabelSelector (matchLabels, matchExpressions) against labels; an absent selector selects nothing."""
    if selector is None:
        return False
    exact: Mapping[str, str] = dig(selector, "matchLabels", default={})
    expressions: list[dict[str, object]] = dig(selector, "matchExpressions", default=[])
    return all(labels.get(k) == v for k, v in exact.items()) and all(_expression(e, labels) for e in expressions)


def _expression(expression: Mapping[str, object], labels: Mapping[str, str]) -> bool:
    key = str(expression.get("key"))
    values = expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values  # type: ignore[operator]
        case "NotIn":
            return labels.get(key) not in values  # type: ignore[operator]
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise bad_request(f"{expression.get('operator')!r} is not a valid label selector operator")


def _split(text: str) -> list[str]:
    """Commas outside parentheses separate requirements."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _label_requirement(part: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.match(part):
        values = {value.strip() for value in found["values"].split(",")}
        listed, inside = found["key"], found["op"] == "in"
        return lambda labels: (labels.get(listed) in values) == inside
    if found := _EQUAL.match(part):
        key, value, equal = found["key"], found["value"], found["op"] != "!="
        return lambda labels: (labels.get(key) == value) == equal
    if found := _EXISTS.match(part):
        key, present = found["key"], not found["absent"]
        return lambda labels: (key in labels) == present
    raise bad_request(f'unable to parse requirement: "{part}" in the label selector')


def _field_requirement(part: str) -> Predicate:
    found = _FIELD.match(part.strip())
    if not found:
        raise bad_request(f'invalid field selector "{part}"; expected field=value or field!=value')
    path = found["path"].split(".")
    if path[0] not in _TOP and found["path"] not in _ROOT:
        raise bad_request(f'field label not supported: "{found["path"]}"')
    equal, value = found["op"] != "!=", found["value"]
    return lambda obj: (str(dig(obj, *path, default="")) == value) == equal
