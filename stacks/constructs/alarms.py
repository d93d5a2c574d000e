"""What somebody should look at, and is told. None of them acts: a rollout's own guards do."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.metrics import functions_metric

FIVE_MINUTES = Duration.minutes(5)
NAMED = "Canario-"  # by which EventBridge knows them


class Alarms(Construct):
    """`all`: for the dashboard."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        workshops: sfn.IStateMachine,
        rollouts: sfn.IStateMachine,
        registrar: lambda_.IFunction,
        observer: lambda_.IFunction | None,
    ) -> None:
        super().__init__(scope, id)
        self.all = [
            self._alarm(
                "WorkshopFailed", "A workshop failed: canario show says where", functions_metric("WorkshopsFailed")
            ),
            self._alarm(
                "WorkshopAborted",
                "An execution of the workshop ended otherwise than by its own words",
                _ended_badly(workshops),
            ),
            self._alarm("RolloutFailed", "A rollout's execution failed", rollouts.metric_failed(period=FIVE_MINUTES)),
            self._alarm(
                "RegistrarFails",
                "Pods and Cloud Map are not made equal",
                registrar.metric_errors(period=FIVE_MINUTES),
                threshold=3,
            ),
            self._alarm("Throttled", "Functions are throttled", _throttles()),
        ]
        if observer:
            self.all += [
                self._alarm(
                    "ObserverFails",
                    "The shared observer fails; rollouts read for themselves, which is more calls",
                    observer.metric_errors(period=FIVE_MINUTES),
                    threshold=3,
                ),
                self._alarm(
                    "ObserverProblems",
                    "The shared observer does not read for some rollouts, which read for themselves",
                    functions_metric("ObserverProblems"),
                    threshold=3,
                ),
            ]

    def _alarm(self, name: str, what: str, metric: cloudwatch.IMetric, *, threshold: int = 1) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            name,
            alarm_name=f"{NAMED}{name}",
            alarm_description=f"Canario: {what}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,  # nothing runs: nothing fails
        )


def _ended_badly(machine: sfn.IStateMachine) -> cloudwatch.IMetric:
    return machine.metric_timed_out(period=FIVE_MINUTES)


def _throttles() -> cloudwatch.Metric:
    """Of all functions of the account and region together."""
    return cloudwatch.Metric(namespace="AWS/Lambda", metric_name="Throttles", statistic="Sum", period=FIVE_MINUTES)
