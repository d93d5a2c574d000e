"""Questions about oneself: who am I, may I. In the lab whoever is known may do everything."""

from __future__ import annotations

from lab.cluster.objects import Obj
from lab.cluster.options import User

_WHY = "the lab authorises every authenticated user"


def answer_review(plural: str, asked: Obj, user: User) -> Obj:
    """`asked` with its status."""
    match plural:
        case "selfsubjectaccessreviews":
            status: Obj = {"allowed": True, "reason": _WHY}
        case "selfsubjectrulesreviews":
            everything = ["*"]
            rule = {"verbs": everything, "apiGroups": everything, "resources": everything}
            paths = {"verbs": everything, "nonResourceURLs": everything}
            status = {"resourceRules": [rule], "nonResourceRules": [paths], "incomplete": False}
        case _:
            status = {"userInfo": {"username": user.name, "groups": list(user.groups)}}
    return asked | {"status": status}
