"""What a person looks at: the dashboard, the alarms, the events kept as a log, the traces' group."""

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_xray as xray
from constructs import Construct

from stacks.constructs.alarms import Alarms
from stacks.constructs.dashboard import Dashboard
from stacks.constructs.event_log import EventLog
from stacks.settings import Settings


class ObservabilityStack(Stack):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        bus: events.IEventBus,
        workshops: sfn.IStateMachine,
        rollouts: sfn.IStateMachine,
        registrar: lambda_.IFunction,
        observer: lambda_.IFunction | None,
        **kwargs: object,
    ) -> None:
        super().__init__(scope, id, description="Canario: dashboard and alarms", **kwargs)
        log = EventLog(self, "Events", bus=bus, retention=settings.log_retention_days)
        alarms = Alarms(self, "Alarms", workshops=workshops, rollouts=rollouts, registrar=registrar, observer=observer)
        Dashboard(self, "Dashboard", events=log.group, alarms=alarms.all)
        if settings.xray_group:
            xray.CfnGroup(
                self,
                "Traces",
                group_name="canario",
                # Whatever was asked for by one of the workshops' names, in either dialect.
                filter_expression=f'http.url CONTAINS "{settings.zone_name}"',
                insights_configuration=xray.CfnGroup.InsightsConfigurationProperty(
                    insights_enabled=False, notifications_enabled=False
                ),
            )
