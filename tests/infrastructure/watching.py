"""What a function asks of the systems that it reaches: every port watched, function by function."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from canario.workshop import kinds
from canario.workshop.ports import Kind, Manifest, Ports

Asked = tuple[str, str]  # a verb, and a resource with its group: "pods/proxy", "virtualnodes.appmesh.k8s.aws"
KINDS = {each.name: each for each in vars(kinds).values() if isinstance(each, Kind)}
# Server-side apply needs both: the object may be there or not.
VERBS = {"apply": ("create", "patch"), "replace": ("update",)}


@dataclass
class Watch:
    """`asked`: function → verbs on Kubernetes' resources. `called`: function → the ports' methods, "zone.upsert".

    `said`: event → its details' fields. `wrote`: the manifests that were applied or replaced, each by its function and
    the port's method.
    """

    function: str = ""
    asked: dict[str, set[Asked]] = field(default_factory=dict)
    called: dict[str, set[str]] = field(default_factory=dict)
    said: dict[str, set[str]] = field(default_factory=dict)
    wrote: list[tuple[str, str, Manifest]] = field(default_factory=list)

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """What is asked inside is the function's; what nobody's function asks is not kept."""
        before, self.function = self.function, function
        self.called.setdefault(function, set())
        self.asked.setdefault(function, set())
        try:
            yield
        finally:
            self.function = before

    def port(self, name: str, inner: Any) -> Any:
        return WatchedKubernetes(inner, self) if name == "kubernetes" else WatchedPort(name, inner, self)

    def ports(self, ports: Ports) -> Ports:
        """The same ports, watched. What the fakes do among themselves is not seen."""
        names = [each.name for each in fields(Ports) if each.name not in ("now", "dialects")]
        return replace(ports, **{name: self.port(name, getattr(ports, name)) for name in names})


class WatchedPort:
    def __init__(self, name: str, inner: Any, watch: Watch) -> None:
        self._name, self._inner, self._watch = name, inner, watch

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if callable(found) and self._watch.function:
            self._watch.called[self._watch.function].add(f"{self._name}.{method}")
        return self._put if (self._name, method) == ("events", "put") else found

    def _put(self, kind: str, detail: Mapping[str, Any]) -> None:
        self._watch.said.setdefault(kind, set()).update(detail)
        self._inner.put(kind, detail)


class WatchedKubernetes:
    """The port Kubernetes; what a test sets on it, or reads beside it, is the inner one's."""

    def __init__(self, inner: Any, watch: Watch) -> None:
        self.inner, self._watch = inner, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return self._watched(name, found) if name in {*VERBS, "get", "list", "patch", "delete", "proxy"} else found

    def _watched(self, method: str, found: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if self._watch.function:
                self._watch.asked[self._watch.function] |= set(_asked(method, arguments[0]))
                if method in VERBS:
                    self._watch.wrote.append((self._watch.function, method, copy.deepcopy(arguments[0])))
            return found(*arguments, **named)

        return call


def _asked(method: str, subject: Kind | Manifest | str) -> Iterator[Asked]:
    if method == "proxy":
        yield "get", "pods/proxy"
        return
    kind = subject if isinstance(subject, Kind) else KINDS[subject["kind"]]  # type: ignore[index]
    for verb in VERBS.get(method, (method,)):
        yield verb, resource(kind)


def resource(kind: Kind) -> str:
    """`virtualnodes.appmesh.k8s.aws`; those of the core group have no dot."""
    group = kind.api_version.rpartition("/")[0]
    return f"{kind.plural}.{group}" if group else kind.plural
