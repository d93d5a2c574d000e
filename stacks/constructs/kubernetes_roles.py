"""Kubernetes Roles for the functions: one ClusterRole each, bound to the group that its access entry gives it.

`python -m stacks.constructs.kubernetes_roles gateway | kubectl apply -f -` is for a cluster that exists: only somebody
who is its administrator can make Roles there.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from canario.workshop.access import DIALECTS, Rule, functions, group_of, rules

RBAC = "rbac.authorization.k8s.io"
LABELS = {"app.kubernetes.io/managed-by": "canario"}


def kubernetes_roles(dialects: Sequence[str]) -> list[dict[str, Any]]:
    """Role and binding of every function that has something to do in the cluster."""
    return [each for function in functions(dialects) for each in _role(function, dialects)]


def _role(function: str, dialects: Sequence[str]) -> list[dict[str, Any]]:
    name = group_of(function)
    metadata = {"name": name, "labels": LABELS}
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": metadata,
            "rules": [_rule(each) for each in rules(function, dialects)],
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": name}],
        },
    ]


def _rule(rule: Rule) -> dict[str, Any]:
    names = {"resourceNames": [rule.name]} if rule.name else {}
    return {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs), **names}


def main(arguments: list[str]) -> None:
    dialects = arguments or ["gateway"]
    if unknown := set(dialects) - set(DIALECTS):
        sys.exit(f"canario: dialect {', '.join(unknown)} is not allowed; allowed: {', '.join(DIALECTS)}")
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": kubernetes_roles(dialects)}, indent=1))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
