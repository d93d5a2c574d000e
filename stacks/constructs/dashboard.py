"""The dashboard: a workshop's shares, errors and latency by node, what was decided, which stages passed, the alarms."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from canario.workshop.mesh import BASELINE, CANARY
from canario.workshop.names import DEFAULT_WORKSHOP, deployment
from canario.workshop.request import STAGES
from stacks.constructs.metrics import functions_metric, mesh_metric

NODES = {BASELINE: (deployment(BASELINE), deployment(CANARY)), "crystal": (deployment("crystal"),)}
PERCENTILES = ("p50", "p95", "p99")
HALF, WHOLE, HEIGHT = 12, 24, 7
PERCENT = cloudwatch.YAxisProps(min=0, max=100, label="%", show_units=False)

# EventBridge's own envelope around Canario's details (docs/contracts.md, Events).
DECISIONS = (
    "fields @timestamp, detail.rollout, detail.decision, detail.share, detail.reason",
    "filter `detail-type` = 'RolloutDecided'",
    "sort @timestamp desc",
    "limit 50",
)
STAGE_EVENTS = (
    "fields @timestamp, detail.workshop, detail.stage, `detail-type`, detail.seconds, detail.error",
    "filter `detail-type` in ['StagePassed', 'StageFailed', 'StageSkipped', 'WorkshopSucceeded', 'WorkshopFailed']",
    "sort @timestamp desc",
    "limit 50",
)


class Dashboard(Construct):
    def __init__(
        self, scope: Construct, id: str, *, events: logs.ILogGroup, alarms: Sequence[cloudwatch.IAlarm]
    ) -> None:
        super().__init__(scope, id)
        cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name="Canario",
            variables=[
                cloudwatch.DashboardVariable(
                    id="workshop",
                    label="Workshop",
                    type=cloudwatch.VariableType.PROPERTY,
                    value="Workshop",
                    input_type=cloudwatch.VariableInputType.INPUT,
                    default_value=cloudwatch.DefaultValue.value(DEFAULT_WORKSHOP),
                    visible=True,
                )
            ],
            widgets=[
                [_shares(), _requests()],
                [_errors(), _latency()],
                [_log("Decisions", events, DECISIONS)],
                [_stages(), _log("Stages", events, STAGE_EVENTS, width=HALF)],
                [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WHOLE, height=3)],
            ],
        )


def _shares() -> cloudwatch.GraphWidget:
    """Which part of the requests each node of nodejs has served."""
    requests = {f"n{number}": _metric("Requests", BASELINE, node) for number, node in enumerate(NODES[BASELINE])}
    whole = "+".join(f"FILL({each}, 0)" for each in requests)
    shares: list[cloudwatch.IMetric] = [
        cloudwatch.MathExpression(
            expression=f"100 * FILL({key}, 0) / ({whole})",
            using_metrics=requests,
            label=node,
            period=requests[key].period,
        )
        for key, node in zip(requests, NODES[BASELINE], strict=True)
    ]
    return _graph(f"Shares of {BASELINE}'s requests", shares, PERCENT, stacked=True)


def _requests() -> cloudwatch.GraphWidget:
    return _graph("Requests a minute, by node", [_metric("Requests", service, node) for service, node in _pairs()])


def _errors() -> cloudwatch.GraphWidget:
    rates: list[cloudwatch.IMetric] = []
    for number, (service, node) in enumerate(_pairs()):
        using = {f"e{number}": _metric("Errors", service, node), f"r{number}": _metric("Requests", service, node)}
        rates.append(
            cloudwatch.MathExpression(
                expression=f"100 * e{number} / r{number}",
                using_metrics=using,
                label=node,
                period=using[f"r{number}"].period,
            )
        )
    return _graph("Error rate, by node, as the callers' proxies saw it", rates, PERCENT)


def _latency() -> cloudwatch.GraphWidget:
    found = [
        mesh_metric("Latency", service=service, node=node, statistic=percentile, label=f"{node} {percentile}")
        for service, node in _pairs()
        for percentile in PERCENTILES
    ]
    return _graph("Latency in milliseconds, by node", found, cloudwatch.YAxisProps(min=0, label="ms", show_units=False))


def _stages() -> cloudwatch.GraphWidget:
    found = [functions_metric("StageFailures", stage=stage) for stage in STAGES]
    return _graph("Stages that failed, all workshops", found, cloudwatch.YAxisProps(min=0, show_units=False))


def _pairs() -> list[tuple[str, str]]:
    return [(service, node) for service, nodes in NODES.items() for node in nodes]


def _metric(name: str, service: str, node: str) -> cloudwatch.Metric:
    return mesh_metric(name, service=service, node=node)


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    axis: cloudwatch.YAxisProps | None = None,
    *,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), left_y_axis=axis, stacked=stacked, width=HALF, height=HEIGHT
    )


def _log(title: str, group: logs.ILogGroup, lines: Sequence[str], *, width: int = WHOLE) -> cloudwatch.LogQueryWidget:
    return cloudwatch.LogQueryWidget(
        title=title, log_group_names=[group.log_group_name], query_lines=list(lines), width=width, height=HEIGHT
    )
