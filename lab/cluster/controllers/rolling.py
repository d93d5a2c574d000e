"""How large each ReplicaSet of a Deployment should be next: pure arithmetic, after Kubernetes' own.

The promise of a rolling update, whatever happens to the pods: never more than `replicas + surge` are wanted at
the same time, and nothing that serves is taken away while fewer than `replicas - unavailable` would be left.
Source: kubernetes.io, Deployments, "Rolling Update Deployment" and "Proportional scaling".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lab.cluster.objects import Obj, dig


@dataclass(frozen=True)
class Sized:
    """A ReplicaSet as the arithmetic sees it. `most` is the deployment's replicas plus surge when last sized."""

    name: str
    wanted: int
    available: int
    created: str = ""
    desired: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Limits:
    """How far a rolling update may go above and below `replicas`."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        return self.replicas + self.surge

    @property
    def fewest(self) -> int:
        """The number of available pods to keep."""
        return max(0, self.replicas - self.unavailable)


Sizes = dict[str, int]  # ReplicaSet name → replicas it should have; only what changes


def limits(spec: Obj) -> Limits:
    """Limits from a Deployment's spec: percentages of replicas, surge rounded up, unavailable rounded down."""
    replicas = replicas_of(spec)
    if is_recreate(spec):
        return Limits(replicas, 0, replicas)
    rolling = dig(spec, "strategy", "rollingUpdate", default={})
    surge = _amount(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = min(_amount(rolling.get("maxUnavailable", "25%"), replicas, up=False), replicas)
    if not surge and not unavailable:
        unavailable = 1  # both rounded to nothing: the update could never move
    return Limits(replicas, surge, unavailable)


def replicas_of(spec: Obj) -> int:
    return int(dig(spec, "replicas", default=1))


def is_recreate(spec: Obj) -> bool:
    return bool(dig(spec, "strategy", "type") == "Recreate")


def _amount(value: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        hundredths = int(value[:-1]) * replicas
        return math.ceil(hundredths / 100) if up else hundredths // 100
    return int(value)


def first_size(lim: Limits, old: Sequence[Sized]) -> int:
    """The size with which the new ReplicaSet is made during a rolling update."""
    return max(0, min(lim.replicas, lim.most - sum(s.wanted for s in old)))


def roll(lim: Limits, new: Sized, old: Sequence[Sized]) -> Sizes:
    """The next step of a rolling update; empty when there is nothing to do until pods change."""
    return _grow(lim, new, old) or _shrink(lim, new, old)


def recreate(lim: Limits, new: Sized | None, old: Sequence[Sized], *, old_pods: bool) -> Sizes:
    """First all old pods go, and only when they have gone the new ones come."""
    down = {s.name: 0 for s in old if s.wanted}
    if down or old_pods or new is None or new.wanted == lim.replicas:
        return down
    return {new.name: lim.replicas}


def _grow(lim: Limits, new: Sized, old: Sequence[Sized]) -> Sizes:
    if new.wanted > lim.replicas:
        return {new.name: lim.replicas}
    room = lim.most - new.wanted - sum(s.wanted for s in old)
    step = min(room, lim.replicas - new.wanted)
    return {new.name: new.wanted + step} if step > 0 else {}


def _shrink(lim: Limits, new: Sized, old: Sequence[Sized]) -> Sizes:
    wanted = new.wanted + sum(s.wanted for s in old)
    coming = new.wanted - new.available
    spare = wanted - lim.fewest - coming
    if spare <= 0:
        return {}
    oldest_first = sorted(old, key=lambda s: s.created)
    sizes = _drop_unavailable(oldest_first, spare)
    kept = [_resized(s, sizes) for s in oldest_first]
    sizes |= _drop_available(lim, new, kept)
    return sizes


def _resized(s: Sized, sizes: Sizes) -> Sized:
    return Sized(s.name, sizes.get(s.name, s.wanted), s.available, s.created)


def _drop_unavailable(old: Sequence[Sized], spare: int) -> Sizes:
    """What does not serve goes first: it costs nothing."""
    sizes: Sizes = {}
    for s in old:
        count = min(spare, s.wanted - s.available)
        if count > 0:
            sizes[s.name] = s.wanted - count
            spare -= count
    return sizes


def _drop_available(lim: Limits, new: Sized, old: Sequence[Sized]) -> Sizes:
    sizes: Sizes = {}
    spare = new.available + sum(s.available for s in old) - lim.fewest
    for s in old:
        count = min(spare, s.wanted)
        if count > 0:
            sizes[s.name] = s.wanted - count
            spare -= count
    return sizes


def rescale(lim: Limits, new: Sized | None, old: Sequence[Sized], *, rolling: bool) -> Sizes:
    """Follow a change of `replicas` in the middle of an update, or while it is paused."""
    everyone = [*old, new] if new else list(old)
    active = [s for s in everyone if s.wanted]
    if len(active) <= 1:
        only = active[0] if active else new or max(old, key=lambda s: s.created, default=None)
        return {only.name: lim.replicas} if only and only.wanted != lim.replicas else {}
    if new and new.wanted == new.available == new.desired == lim.replicas:
        return {s.name: 0 for s in old if s.wanted}
    return _spread(lim, active) if rolling else {}


def _spread(lim: Limits, active: Sequence[Sized]) -> Sizes:
    """Share the difference out in proportion to the sizes; what rounding leaves goes to the largest."""
    allowed, total = lim.most if lim.replicas else 0, sum(s.wanted for s in active)
    to_add = allowed - total
    if not to_add:
        return {}
    newest_first = sorted(active, key=lambda s: s.created, reverse=to_add > 0)
    ordered = sorted(newest_first, key=lambda s: -s.wanted)
    left = to_add
    sizes: Sizes = {}
    for s in ordered:
        share = _share(allowed / (s.most or total), s, left)
        sizes[s.name] = s.wanted + share
        left -= share
    first = ordered[0]
    sizes[first.name] = max(0, sizes[first.name] + left)
    return {s.name: sizes[s.name] for s in active if sizes[s.name] != s.wanted}


def _share(growth: float, s: Sized, left: int) -> int:
    """What one set gets of the difference: its own size times `growth`, rounded, within what is left."""
    fraction = math.floor(s.wanted * growth + 0.5) - s.wanted
    return min(max(fraction, 0), left) if left > 0 else max(min(fraction, 0), left)
