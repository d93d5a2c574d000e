"""Which alarms are a rollout's, and that it does not begin while one of them is in ALARM."""

from collections.abc import Sequence

from canario.canary.ports import Target
from canario.canary.world import World
from canario.errors import Stopped

ALARMS = "canario/"  # an alarm whose name begins with canario/<namespace>/<router> needs no plan to name it


def is_its_alarm(name: str, target: Target, named: Sequence[str]) -> bool:
    own = own_alarm(target)
    return name in named or name == own or name.startswith(f"{own}/")


def own_alarm(target: Target) -> str:
    return f"{ALARMS}{target.key}"


def refuse_alarmed(target: Target, named: Sequence[str], world: World) -> None:
    """An alarm that is in ALARM already has no change of state to tell. Raises Stopped, RemoteError."""
    found = world.alarms.going_off(named, own_alarm(target))
    going_off = [name for name in found if is_its_alarm(name, target, named)]
    if going_off:
        raise Stopped(
            f"no rollout of {target.key} begins while its alarm is in ALARM: {', '.join(going_off)}; see to it, then "
            "start again"
        )
