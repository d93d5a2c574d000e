"""What people are told of rollouts and of the installation's own alarms: a subject of one line, and the reason in words
with the numbers behind it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

KINDS = (
    "RolloutEnded",
    "RolloutFrozen",
    "RolloutWaiting",
    "RolloutInstructed",
    "ShareOrphaned",
    "PodReplaced",
    "OrderEnded",
)
COUNTS = (("canary", "requests", "errors"), ("baseline", "baseline_requests", "baseline_errors"))


def notice(kind: str, detail: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Subject and message. `entries`: the rollout's record, for the numbers of its last decision."""
    about = f"{detail.get('rollout')} of {detail['router']}" if "router" in detail else str(detail.get("rollout"))
    subject = f"Canario: {_what(kind, detail)}: {about}"
    lines = [subject.removeprefix("Canario: ").capitalize(), "", *_reason(kind, detail), *_numbers(entries)]
    lines += ["", f"canario canary show {detail.get('rollout')}"]
    return subject, "\n".join(lines)


def alarm_notice(detail: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and message of one of the installation's own alarms. `detail`: of CloudWatch's event "CloudWatch Alarm
    State Change", https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    state, name = detail["state"], detail["alarmName"]
    description = detail.get("configuration", {}).get("description") or name
    lines = [str(description), "", f"Why: {state['reason']}", f"Since: {state['timestamp']}"]
    return f"Canario: the alarm {name} went off", "\n".join([*lines, "", "The dashboard Canario shows it."])


def _what(kind: str, detail: Mapping[str, Any]) -> str:
    if kind in ("RolloutEnded", "OrderEnded"):
        return str(detail["outcome"]).replace("_", " ")
    if kind == "RolloutInstructed":
        return f"{detail['kind']} by {detail['by']}"
    said = {
        "RolloutFrozen": "not started",
        "RolloutWaiting": "waits for you",
        "ShareOrphaned": "orphan rolled back",
        "PodReplaced": "a bad pod was replaced",
    }
    return said[kind]


def _reason(kind: str, detail: Mapping[str, Any]) -> list[str]:
    reason = detail.get("why") or detail.get("reason") or ""
    lines = [f"Why: {reason}"] if reason else []
    if "share" in detail and kind == "RolloutEnded":
        lines.append(f"Share of the canary now: {detail['share']:.1%}; decisions: {detail['decisions']}")
    return lines


def _numbers(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the last decision that has any: the window's counts and the evidence."""
    decisions = [entry for entry in entries if entry.get("kind") == "decision" and entry.get("evidence")]
    if not decisions:
        return []
    last = decisions[-1]
    counts = [
        f"{node} {last[errors]} of {last[requests]} requests failed"
        for node, requests, errors in COUNTS
        if last.get(requests) is not None
    ]
    evidence = [f"{name} = {value:.6g}" for name, value in sorted(last["evidence"].items())]
    return ["", f"Last window, {last.get('start')} to {last.get('end')}: {'; '.join(counts) or 'no data'}", *evidence]
