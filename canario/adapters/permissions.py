"""What the caller may do, asked of the systems that will be asked to let it.

The cluster is asked by SelfSubjectAccessReview. AWS has no such question for the caller itself, so its reading calls
are made and its writing calls are not tried; the same goes for a cluster that reviews no access.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

from canario.errors import RemoteError
from canario.workshop import kinds
from canario.workshop.ports import Kind


class Reviewer(Protocol):
    def allowed(self, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool | None:
        """Whether the caller may; everywhere for the namespace None. None when the cluster reviews no access."""

    def list(self, kind: Kind) -> Sequence[object]:
        """Raises RemoteError when it may not."""


@dataclass(frozen=True)
class Need:
    """A verb on a kind in every namespace; `subresource` as in `pods/proxy`."""

    verb: str
    kind: Kind
    subresource: str = ""

    @property
    def group(self) -> str:
        return self.kind.api_version.rpartition("/")[0]

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


WRITE = ("get", "list", "create", "patch", "delete")
WRITTEN = (
    kinds.NAMESPACE,
    kinds.DEPLOYMENT,
    kinds.SERVICE,
    kinds.SERVICE_ACCOUNT,
    kinds.SECRET,
    kinds.CLUSTER_ROLE,
    kinds.CLUSTER_ROLE_BINDING,
    kinds.CRD,
    kinds.MUTATING_WEBHOOK,
    kinds.MESH,
    kinds.VIRTUAL_NODE,
    kinds.VIRTUAL_ROUTER,
    kinds.VIRTUAL_SERVICE,
    kinds.VIRTUAL_GATEWAY,
    kinds.GATEWAY_ROUTE,
)
LISTED = (kinds.NODE, kinds.POD, kinds.CONFIG_MAP, kinds.LEASE)
NEEDS = (
    *(Need(verb, kind) for kind in WRITTEN for verb in WRITE),
    *(Need("list", kind) for kind in LISTED),
    Need("update", kinds.VIRTUAL_ROUTER),
    Need("update", kinds.VIRTUAL_NODE),
    Need("get", kinds.LEASE),
    *(Need("delete", kind) for kind in (kinds.POD, kinds.CONFIG_MAP, kinds.LEASE)),
    Need("get", kinds.POD, "proxy"),
)


class Access:
    """The permissions of whoever runs this; each is asked for once, when the first answer is wanted.

    `calls`: in words → a call to AWS that only reads and raises RemoteError when it may not.
    """

    def __init__(
        self,
        cluster: Reviewer,
        calls: Mapping[str, Callable[[], object]] | None = None,
        needs: Sequence[Need] = NEEDS,
    ) -> None:
        self._cluster, self._calls, self._needs = cluster, calls or {}, needs

    def tried(self) -> Sequence[str]:
        """What was asked for, in words: one entry a permission."""
        return list(self._refusals)

    def missing(self) -> Sequence[str]:
        """What the caller may not do though a stage needs it, in words. Raises RemoteError when nobody answers."""
        return [f"{words} ({why})" if why else words for words, why in self._refusals.items() if why is not None]

    @cached_property
    def _refusals(self) -> dict[str, str | None]:
        """Permission → None when it is there, else what was said."""
        return dict([*self._reviews(), *self._tries()])

    def _reviews(self) -> Iterator[tuple[str, str | None]]:
        for need in self._needs:
            allowed = self._cluster.allowed(need.verb, need.resource, need.group)
            if allowed is not None:
                yield str(need), None if allowed else ""
            elif need.verb == "list":
                yield str(need), _refusal(partial(self._cluster.list, need.kind))

    def _tries(self) -> Iterator[tuple[str, str | None]]:
        for words, call in self._calls.items():
            yield words, _refusal(call)


def _refusal(call: Callable[[], object]) -> str | None:
    """None when the call succeeds, else what was said."""
    try:
        call()
    except RemoteError as error:
        return str(error)
    return None
