"""The task tokens of rollouts that wait for a person.

| pk             | sk      | what                           |
|----------------|---------|--------------------------------|
| `gate#<id>`    | `token` | the newest token of the rollout |

A partition of its own: who may read a rollout's entries does not see its token.
"""

from typing import Any

from canario.adapters import aws
from canario.adapters.tasks import TaskTokens
from canario.errors import NotWaiting


class RolloutTokens:
    """The port `Tokens`."""

    def __init__(self, table: Any, tasks: TaskTokens) -> None:
        self._table, self._tasks = table, tasks

    def keep(self, rollout: str, token: str) -> None:
        with aws.doing(f"recording that the rollout {rollout} waits"):
            self._table.put_item(Item={**_key(rollout), "token": token})

    def wake(self, rollout: str) -> bool:
        """End the rollout's wait; False when it does not wait (any more)."""
        with aws.doing(f"reading whether the rollout {rollout} waits"):
            item = self._table.get_item(Key=_key(rollout), ConsistentRead=True).get("Item")
        if item is None:
            return False
        try:
            self._tasks.succeed(item["token"], {"woken": True})
        except NotWaiting:
            return False
        return True


def _key(rollout: str) -> dict[str, str]:
    return {"pk": f"gate#{rollout}", "sk": "token"}
