"""What the functions may do in a cluster that knows them by their groups, asked by one of them on behalf of all.

Each function has a Role of its own, so whoever asks about itself learns nothing about the others. The cluster is asked
about the groups instead (SubjectAccessReview), rule by rule of canario/workshop/access.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from canario.adapters.permissions import Access
from canario.workshop import access
from canario.workshop.ports import Kind


class GroupReviewer(Protocol):
    def group_allowed(self, member: str, verb: str, resource: str, group: str = "", name: str = "") -> bool:
        """Whether somebody of the group `member` may, in every namespace; of one object where `name` is set."""

    def allowed(self, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool | None: ...

    def list(self, kind: Kind) -> Sequence[object]: ...


class GroupAccess(Access):
    """The permissions of every function, where these dialects work."""

    def __init__(
        self, cluster: GroupReviewer, calls: Mapping[str, Callable[[], object]], dialects: Sequence[str]
    ) -> None:
        super().__init__(cluster, calls)
        self._groups, self._dialects = cluster, dialects

    def _reviews(self) -> Iterator[tuple[str, str | None]]:
        for function in access.functions(self._dialects):
            for rule in access.rules(function, self._dialects):
                what = f"{rule.resource}.{rule.group}" if rule.group else rule.resource
                for verb in rule.verbs:
                    allowed = self._groups.group_allowed(
                        access.group_of(function), verb, rule.resource, rule.group, rule.name
                    )
                    yield f"{function}: {verb} {what}", None if allowed else ""
