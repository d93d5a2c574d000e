"""The sampling rules that X-Ray would hand to daemons and SDKs: the default one. Pure.

Envoy does not ask: its rules come with its configuration (`lab/mesh/tracing.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from lab.telemetry.xray.statistics import Shape

DEFAULT = "Default"
RESERVOIR, RATE = 1, 0.05  # X-Ray's own: one request a second, and 5 % of the rest
INTERVAL_SECONDS = 10
_MADE = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def rules() -> Shape:
    """GetSamplingRules."""
    rule = {
        "RuleName": DEFAULT,
        "RuleARN": "arn:aws:xray:us-west-1:000000000000:sampling-rule/Default",
        "ResourceARN": "*",
        "Priority": 9999,
        "FixedRate": RATE,
        "ReservoirSize": RESERVOIR,
        "ServiceName": "*",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "Version": 1,
        "Attributes": {},
    }
    return {"SamplingRuleRecords": [{"SamplingRule": rule, "CreatedAt": _MADE, "ModifiedAt": _MADE}]}


def targets(request: Shape, now: float) -> Shape:
    """GetSamplingTargets: the whole reservoir to whoever asks."""
    asked = [str(each.get("RuleName")) for each in request.get("SamplingStatisticsDocuments") or []]
    known = [name for name in asked if name == DEFAULT]
    target = {"FixedRate": RATE, "ReservoirQuota": RESERVOIR, "Interval": INTERVAL_SECONDS}
    return {
        "SamplingTargetDocuments": [
            {"RuleName": name, **target, "ReservoirQuotaTTL": now + INTERVAL_SECONDS} for name in known
        ],
        "LastRuleModification": _MADE,
        "UnprocessedStatistics": [
            {"RuleName": name, "ErrorCode": "400", "Message": "no such rule"} for name in asked if name != DEFAULT
        ],
    }
