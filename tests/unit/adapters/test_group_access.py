"""What preflight asks where every function has a Role of its own."""

from collections.abc import Sequence

from canario.adapters.group_access import GroupAccess
from canario.workshop import access
from canario.workshop.ports import Kind

Question = tuple[str, str, str, str, str]


class Cluster:
    """Allows what the Roles of these dialects allow, as RBAC would."""

    def __init__(self, *dialects: str, without: str = "") -> None:
        self.rules = {
            (access.group_of(function), verb, rule.resource, rule.group, rule.name)
            for function in access.functions(dialects)
            for rule in access.rules(function, dialects)
            for verb in rule.verbs
            if function != without
        }

    def group_allowed(self, member: str, verb: str, resource: str, group: str = "", name: str = "") -> bool:
        return (member, verb, resource, group, name) in self.rules

    def allowed(self, verb: str, resource: str, group: str = "", namespace: str | None = None) -> bool | None:
        raise AssertionError("nobody is asked about the one who asks")

    def list(self, kind: Kind) -> Sequence[object]:
        raise AssertionError("nothing is tried")


def test_where_every_role_is_there_nothing_is_missing() -> None:
    """And something was asked about every function."""
    found = GroupAccess(Cluster("gateway"), {"list records": list}, ["gateway"])

    assert [] == found.missing()
    asked = {each.partition(":")[0] for each in found.tried()}
    assert set(access.functions(["gateway"])) | {"list records"} == asked


def test_a_role_that_is_missing_is_named_by_its_function() -> None:
    """Verb and resource are said, so that whoever made the Roles by hand sees what is left out."""
    missing = GroupAccess(Cluster("gateway", without="canary_shift"), {}, ["gateway"]).missing()

    assert "canary_shift: update httproutes.gateway.networking.k8s.io" in missing
    assert {"canary_shift"} == {each.partition(":")[0] for each in missing}


def test_roles_of_one_dialect_are_not_enough_for_another() -> None:
    """Both dialects' rules are asked about where both work."""
    assert GroupAccess(Cluster("gateway"), {}, ["gateway", "appmesh"]).missing()
