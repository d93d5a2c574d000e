"""A rollout as a picture: its share, both error rates with their confidence sequences, its evidence."""

import argparse
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from canario.canary import Plan
from canario.canary.history import Decided
from canario.canary.intervals import rate_interval
from canario.canary.observation import Counts
from canario.errors import InvalidInput

KINDS = (".svg", ".png")
LEVEL = 0.05  # the confidence sequences hold with 95 %
CANARY, BASELINE, AGAINST, FOR, ENOUGH = "#d9820f", "#3b6ea5", "#b3261e", "#2e7d4f", "#777777"
SMALLEST_EVIDENCE, LARGEST_EVIDENCE = 1e-3, 1e6  # beyond these a picture says no more
STYLE = {
    "svg.hashsalt": "canario",  # the same picture, byte for byte, from the same decisions
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}
SIGNS = {"rollback": ("v", AGAINST), "promote": ("^", FOR)}


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--picture", type=_path, metavar="OUT", help="draw it as well: a file .svg or .png")


def _path(text: str) -> Path:
    path = Path(text)
    if path.suffix not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: a file that ends in {' or '.join(KINDS)}")
    return path


def draw(decided: Sequence[Decided], plan: Plan, path: Path, title: str) -> str:
    """Write the picture; the line that says so. Raises InvalidInput when there is nothing to draw, or nowhere to."""
    if not decided:
        raise InvalidInput("picture", str(path), "a rollout with one decision or more")
    pyplot = _pyplot()
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(
            3, 1, figsize=(9, 8), sharex=True, height_ratios=(1, 1.6, 1.6), layout="constrained"
        )
        ends = [each.observation.end for each in decided]
        for panel, axis in zip((_shares, _rates, _evidence), axes, strict=True):
            panel(axis, decided, ends, plan)
        figure.suptitle(f"{title}: {_outcome(decided)}")
        _time(axes[-1], decided)
        _save(figure, path)
        pyplot.close(figure)
    return f"drew {path}"


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise InvalidInput("picture", "matplotlib is not installed", "an installation with the group cli") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _save(figure: Any, path: Path) -> None:
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    try:
        figure.savefig(path, metadata=metadata, dpi=120)
    except OSError as error:
        raise InvalidInput("picture", str(path), f"a file that can be written ({error})") from error


def _outcome(decided: Sequence[Decided]) -> str:
    kind = decided[-1].decision.kind
    return {"rollback": "rolled back", "promote": "promoted"}.get(kind, "no outcome yet")


def _shares(axis: Any, decided: Sequence[Decided], ends: Sequence[datetime], plan: Plan) -> None:
    starts = [each.observation.start for each in decided]
    shares = [each.observation.share for each in decided]
    axis.step([*starts, ends[-1]], [*shares, shares[-1]], where="post", color=CANARY, label="in force")
    axis.plot(ends, [each.decision.share for each in decided], ".", color="black", ms=4, label="decided")
    for each in decided:
        if each.decision.kind in SIGNS:
            sign, color = SIGNS[each.decision.kind]
            share = each.decision.share
            axis.plot(each.observation.end, share, sign, color=color, ms=9, label=each.decision.kind, clip_on=False)
    axis.set_ylabel("canary's share")
    top = max(0.02, 1.08 * max(*shares, *(each.decision.share for each in decided)))
    axis.set_ylim(-0.03 * top, top)
    axis.yaxis.set_major_formatter(_percent)
    axis.legend(loc="best", frameon=False, fontsize=8)


def _rates(axis: Any, decided: Sequence[Decided], ends: Sequence[datetime], plan: Plan) -> None:
    """Each window's rate as a dot; the rate of all windows so far as a line within its confidence sequence."""
    highest = 0.0
    for name, color, of in _nodes():
        totals = _totals([of(each) for each in decided])
        known = [(at, total) for at, total in zip(ends, totals, strict=True) if total.requests]
        if not known:
            continue
        bounds = [rate_interval(total.requests, total.errors, LEVEL) for _, total in known]
        rates = [total.errors / total.requests for _, total in known]
        times = [at for at, _ in known]
        axis.plot(times, rates, color=color, lw=1.6, label=name)
        axis.fill_between(times, *zip(*bounds, strict=True), color=color, alpha=0.16, lw=0)
        dots = [(at, each.errors / each.requests) for at, each in _each_window(decided, ends, of)]
        axis.plot(*zip(*dots, strict=True), ".", color=color, ms=3.5, alpha=0.6)
        highest = max(highest, max(rates), bounds[-1][1], _typical([rate for _, rate in dots]))
    if plan.tolerated_rate:
        axis.axhline(plan.tolerated_rate, color=ENOUGH, ls=":", lw=1)
        _label(axis, plan.tolerated_rate, "tolerated rate")
    top = 1.15 * max(highest, 1.5 * plan.tolerated_rate, 1e-6)
    axis.set_ylim(-0.03 * top, top)
    axis.set_ylabel("failure rate")
    axis.set_title("dots: one window; lines: all so far, with 95 % confidence sequences", fontsize=8, loc="left")
    axis.yaxis.set_major_formatter(_percent)
    axis.legend(loc="best", frameon=False, fontsize=8)


def _nodes() -> Sequence[tuple[str, str, Callable[[Decided], Counts | None]]]:
    return (
        ("baseline", BASELINE, lambda each: each.observation.baseline),
        ("canary", CANARY, lambda each: each.observation.canary),
    )


def _totals(windows: Sequence[Counts | None]) -> list[Counts]:
    totals, so_far = [], Counts(0, 0)
    for each in windows:
        so_far = Counts(so_far.requests + each.requests, so_far.errors + each.errors) if each else so_far
        totals.append(so_far)
    return totals


def _each_window(
    decided: Sequence[Decided], ends: Sequence[datetime], of: Callable[[Decided], Counts | None]
) -> list[tuple[datetime, Counts]]:
    pairs = ((at, of(each)) for at, each in zip(ends, decided, strict=True))
    return [(at, counts) for at, counts in pairs if counts and counts.requests]


def _typical(rates: Sequence[float]) -> float:
    """The ninth decile of the dots: one window of three requests does not set the scale."""
    return sorted(rates)[int(0.9 * (len(rates) - 1))]


def _evidence(axis: Any, decided: Sequence[Decided], ends: Sequence[datetime], plan: Plan) -> None:
    lines = (("against the canary", "harmful", AGAINST), ("for the canary", "safe", FOR))
    for label, name, color in lines:
        values = [min(max(each.decision.evidence.get(name, 1.0), SMALLEST_EVIDENCE), 1e99) for each in decided]
        axis.plot(ends, values, color=color, marker=".", ms=4, lw=1.6, label=label)
    axis.set_yscale("log")
    highest = max(each.decision.evidence.get(name, 1.0) for each in decided for _, name, _ in lines)
    axis.set_ylim(SMALLEST_EVIDENCE, min(max(10 * highest, 10 / plan.alpha), LARGEST_EVIDENCE / plan.alpha))
    for threshold, color, text in (
        (1 / plan.alpha, AGAINST, f"enough to roll back, {1 / plan.alpha:,.0f}"),
        (1 / plan.beta, FOR, f"enough to promote, {1 / plan.beta:,.0f}"),
    ):
        axis.axhline(threshold, color=color, ls="--", lw=1)
        _label(axis, threshold, text, color)
    axis.set_ylabel("evidence")
    axis.legend(loc="lower left", ncols=2, frameon=False, fontsize=8)


def _label(axis: Any, height: float, text: str, color: str = ENOUGH) -> None:
    axis.annotate(
        text, (0.005, height), xycoords=("axes fraction", "data"), ha="left", va="bottom", fontsize=8, color=color
    )


def _time(axis: Any, decided: Sequence[Decided]) -> None:
    from matplotlib import dates

    make: Any = dates  # its types are partial

    zone = decided[0].observation.start.tzinfo
    locator = make.AutoDateLocator(tz=zone, minticks=4, maxticks=10)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(make.ConciseDateFormatter(locator, tz=zone))
    axis.set_xlabel("end of the window" + (f", {zone}" if zone else ""))


def _percent(value: float, _: int) -> str:
    return f"{100 * value:.3g} %"
