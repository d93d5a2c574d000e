"""The shared observer: a function that reads for many rollouts at once, and the machine that has it look in time.

One execution is ten minutes of duty. The functions that see rollouts begin and run start it (canario/adapters/
shared_observer.py); without one nothing runs and nothing is paid. A machine and no schedule, because a schedule's
minute begins at any of its seconds, and each second that a window waits is a second in which a bad canary serves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs import permissions
from stacks.constructs.functions import CONTROLLER_NAMESPACE, METRICS_NAMESPACE
from stacks.constructs.machine import Machine
from stacks.constructs.python_function import FunctionDefaults, PythonFunction
from stacks.constructs.steps import invoke
from stacks.records import RecordsStack

DUTY, SUBSCRIPTIONS, LEFT = "observer", "subscriptions", "left#*"
FUNCTION_SECONDS = 60
MEMORY_MB = 1769  # one whole processor: a thousand rollouts are thousands of series to add up
LATER = "{% $merge([$states.input, {'wait': $fromMillis($millis() + 30000)}]) %}"


@dataclass(frozen=True, kw_only=True)
class Calling:
    """What a function has that may call the observer."""

    environment: Mapping[str, str] = field(default_factory=dict)
    statements: tuple[iam.PolicyStatement, ...] = ()


class SharedObserver(Construct):
    """`calling`: for the functions that call it."""

    def __init__(self, scope: Construct, id: str, *, defaults: FunctionDefaults, records: RecordsStack) -> None:
        super().__init__(scope, id)
        self.function = PythonFunction(
            scope,
            "Observer",
            handler="lambdas.canary_observer.handler",
            description="Canario: read for many rollouts at once",
            defaults=defaults,
            timeout_seconds=FUNCTION_SECONDS,
            memory_mb=MEMORY_MB,
            statements=(
                permissions.records(records.table, DUTY, LEFT, actions=("PutItem",)),
                permissions.records(records.table, SUBSCRIPTIONS, actions=("Query",)),
                permissions.read_metrics(METRICS_NAMESPACE),
                permissions.put_metrics(CONTROLLER_NAMESPACE),
            ),
        ).function
        begin = sfn.Wait.jsonata(
            self, "On duty from", time=sfn.WaitTime.timestamp("{% $states.input.from %}"), comment="At once, usually"
        )
        begin.next(self._looks())
        self.machine = Machine(self, "Machine", definition=begin, functions=[self.function]).machine
        machine = self.machine.state_machine_arn
        self.calling = Calling(
            environment={"CANARIO_OBSERVER_MACHINE": machine},
            statements=(
                permissions.records(records.table, DUTY, actions=("PutItem",)),
                iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine]),
            ),
        )

    def _looks(self) -> tasks.LambdaInvoke:
        """Look, wait for the next window, look again; a look that failed is the rollouts' own to make up for."""
        look = invoke(
            self,
            "Look",
            function=self.function,
            payload={"action": "Look", "duty": "{% $states.input %}"},
            timeout_seconds=FUNCTION_SECONDS,
            comment="Read for every rollout whose window is due",
        )
        on_duty = sfn.Choice.jsonata(self, "On duty then?")
        off_duty = sfn.Succeed.jsonata(self, "Off duty", comment="The next execution is, if there is work")
        wait = sfn.Wait.jsonata(self, "Wait for a window", time=sfn.WaitTime.timestamp("{% $states.input.wait %}"))
        still = "{% $toMillis($states.input.wait) < $toMillis($states.input.until) %}"
        on_duty.when(sfn.Condition.jsonata(still), wait).otherwise(off_duty)
        look.add_catch(on_duty, outputs=LATER)
        look.next(on_duty)
        wait.next(look)
        return look
