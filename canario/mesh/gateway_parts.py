"""Routes with more rules than an object may have: several objects, in the order of their names.

Of two objects of one parent whose rules are equally specific, Gateway API tries the older first, and of two that are
equally old the one whose name comes first. Applied together, parts are tried in the order of their rules.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from canario.mesh.appmesh_writing import without_none
from canario.mesh.gateway_names import PART, Manifest, annotate, annotation, ref_of
from canario.mesh.refs import Ref

MOST_RULES = 16  # of a route

_SUFFIX = re.compile(r"-part-\d+")


def parts(whole: Manifest, is_free: Callable[[Ref], bool] = lambda _: True) -> list[Manifest]:
    """The route as objects of at most 16 rules; the first one has its name. `is_free`: whether a name may be taken."""
    rules = whole["spec"].get("rules") or []
    chunks = [rules[at : at + MOST_RULES] for at in range(0, len(rules), MOST_RULES)]
    if len(chunks) < 2:
        return [whole]
    base, digits = ref_of(whole), max(2, len(str(len(chunks))))
    stem = base.name
    while not all(is_free(_named(base, stem, number, digits)) for number in range(2, len(chunks) + 1)):
        stem = f"{stem}-rules"
    found = [{**whole, "spec": {**whole["spec"], "rules": chunks[0]}}]
    for number, chunk in enumerate(chunks[1:], start=2):
        ref = _named(base, stem, number, digits)
        metadata = {"name": ref.name, "namespace": ref.namespace}
        part = {**whole, "metadata": metadata, "spec": {**whole["spec"], "rules": chunk}}
        annotate(part, PART, base.name)
        found.append(part)
    return found


def _named(base: Ref, stem: str, number: int, digits: int) -> Ref:
    return Ref(base.namespace, f"{stem}-part-{number:0{digits}}")


def joined(manifests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The manifests, with the rules of parts in the route that they are of.

    Where the annotation is missing, a route is a part when its name says so and the other has the same parents. A part
    whose route is not there stays a route of its own.
    """
    wholes = {(each.get("kind"), ref_of(each)): each for each in manifests if _base(each) is None}
    added: dict[int, list[Mapping[str, Any]]] = {}
    gone: set[int] = set()
    for part in sorted(manifests, key=lambda each: str(each["metadata"]["name"])):
        base = _base(part)
        whole = wholes.get((part.get("kind"), base)) if base else None
        if whole is not None and (annotation(part, PART) or _parents(whole) == _parents(part)):
            added.setdefault(id(whole), []).append(part)
            gone.add(id(part))
    return [_with_rules(each, added.get(id(each), ())) for each in manifests if id(each) not in gone]


def _base(manifest: Mapping[str, Any]) -> Ref | None:
    """The name of the route of which this may be a part."""
    ref, written = ref_of(manifest), annotation(manifest, PART)
    if written:
        return Ref(ref.namespace, written)
    found = _SUFFIX.search(ref.name)
    is_route = str(manifest.get("kind", "")).endswith("Route")
    return Ref(ref.namespace, ref.name[: found.start()]) if is_route and found and _parents(manifest) else None


def _parents(route: Mapping[str, Any]) -> Any:
    return (route.get("spec") or {}).get("parentRefs")


def _with_rules(whole: Mapping[str, Any], more: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    rules = [rule for each in more for rule in each["spec"].get("rules") or ()]
    if not rules:
        return whole
    spec = whole["spec"]
    return {**whole, "spec": without_none(**{**spec, "rules": [*(spec.get("rules") or ()), *rules]})}
