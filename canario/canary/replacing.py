"""What becomes of a pod that is suspected."""

from collections.abc import Mapping, Sequence
from typing import Any

from canario.canary import Decision
from canario.canary.carried import Carried
from canario.canary.world import World
from canario.errors import RemoteError


def replace_suspect(carried: Carried, decision: Decision, replaced: Sequence[str], world: World) -> Mapping[str, Any]:
    """Delete the pod that the decision names, once; what the decision's record says of it, or nothing.

    After a rollback nobody needs it gone, and somebody may want to look at it. A pod that could not be deleted is
    tried again at the next decision, which names it as long as it is there.
    """
    pod = decision.suspect
    if pod is None or pod in replaced or decision.kind == "rollback":
        return {}
    try:
        world.pods.replace(carried.target, pod)
    except RemoteError as error:
        return {"not_replaced": str(error)}
    return {"replaced": pod}
