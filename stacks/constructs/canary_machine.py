"""The canary's state machine (DESIGN, section 5; docs/state-machines.md).

The state data is what `canario.canary.steps` carries from step to step. Evidence goes round
Wait → Observe → Decide → Shift → Verify → Wait; drift, stops and errors leave it for `Roll back`. Before an
execution's history is full it starts a fresh one of this same machine, waits for it and ends as it ends: whoever
waits for the first execution waits for the rollout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.machine import Machine
from stacks.constructs.steps import TRANSIENT, invoke

VERIFIED_WITHIN_SECONDS = 60
SHIFTED_WITHIN_SECONDS = 10  # somebody else may be writing the router's other fields
DEPLOYED_WITHIN_SECONDS = 600
FUNCTION_SECONDS = 60
CARRIED = "{% $states.input %}"
_HAS_IMAGE = "$exists($states.input.image)"
_UNTIL_THE_WINDOW = "{% $max([1, $ceil(($toMillis($states.input.wait) - $millis()) / 1000)]) %}"


@dataclass(frozen=True, kw_only=True)
class RolloutFunctions:
    begin: lambda_.IFunction
    deploy: lambda_.IFunction
    observe: lambda_.IFunction
    decide: lambda_.IFunction
    shift: lambda_.IFunction
    verify: lambda_.IFunction
    gate: lambda_.IFunction
    end: lambda_.IFunction


class CanaryMachine(Construct):
    def __init__(self, scope: Construct, id: str, *, functions: RolloutFunctions) -> None:
        super().__init__(scope, id)
        self._functions = functions
        self._roll_back, self._end, done = self._leaving()
        deploy = self._step(
            "Deploy", functions.deploy, "Give the canary its new image", ready_within=DEPLOYED_WITHIN_SECONDS
        )
        verify = self._step(
            "Verify",
            functions.verify,
            "Prove at the proxies that the share is in force",
            ready_within=VERIFIED_WITHIN_SECONDS,
        )
        observe = self._step("Observe", functions.observe, "Read the windows not yet read")
        decide = self._step("Decide", functions.decide, "Weigh the evidence; record each decision")
        shift = self._step(
            "Shift", functions.shift, "Write the share by compare-and-set", ready_within=SHIFTED_WITHIN_SECONDS
        )
        wait = sfn.Wait.jsonata(
            self, "Wait", time=sfn.WaitTime.timestamp("{% $states.input.wait %}"), comment="For the next whole window"
        )
        wait.next(observe)
        rest = self._rest(wait, observe, done)
        verify.next(self._choice("Over?", "$exists($states.input.outcome)", self._end, rest))
        observe.next(self._choice("Any window?", "$count($states.input.observations) > 0", decide, rest))
        decide.next(self._decision(shift, rest))
        shift.next(verify)
        self._catch(deploy, verify, observe, decide, shift)
        deploy.next(verify)
        first = self._first(wait, self._begin().next(self._choice("New image?", _HAS_IMAGE, deploy, verify)))
        self._machine = Machine(self, "Machine", definition=first, functions=vars(functions).values())
        self.machine = self._machine.machine
        self._let_it_go_on()

    def _first(self, wait: sfn.Wait, begin: sfn.IChainable) -> sfn.IChainable:
        """A fresh execution of a rollout that has begun goes on where the one before it waited."""
        carry_on = sfn.Pass.jsonata(self, "Carry on", outputs="{% $states.input.carried %}")
        carry_on.next(wait)
        return self._choice("Begun?", "$exists($states.input.carried)", carry_on, begin)

    def _rest(self, wait: sfn.Wait, observe: tasks.LambdaInvoke, done: sfn.Pass) -> sfn.Choice:
        """Until the next window: in a fresh execution, for a person, or for nothing but the time."""
        rest = sfn.Choice.jsonata(self, "How long?")
        rest.when(_condition("$exists($states.input.continue_as)"), self._continue(done))
        rest.when(_condition("$exists($states.input.waiting)"), self._wait_for_person(wait, observe))
        return rest.otherwise(wait)

    def _wait_for_person(self, wait: sfn.Wait, observe: tasks.LambdaInvoke) -> sfn.CustomState:
        """Up to the next window, which counts also while a person is waited for; whoever has said a word wakes it.

        Written out, because the CDK has no time-out that the state's data say.
        """
        retried = [error for error in TRANSIENT if error != "States.Timeout"]
        task = self._written_out(
            "Wait for a person",
            resource="lambda:invoke.waitForTaskToken",
            arguments={
                "FunctionName": self._functions.gate.function_arn,
                "Payload": {
                    "action": "Wait for a person",
                    "carried": CARRIED,
                    "token": "{% $states.context.Task.Token %}",
                },
            },
            output=CARRIED,
            more={
                "Comment": "canario canary approve, resume, abort; or the next window",
                "TimeoutSeconds": _UNTIL_THE_WINDOW,
                "Retry": [{"ErrorEquals": retried, "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 4}],
                "Catch": [
                    {"ErrorEquals": ["States.Timeout"], "Output": CARRIED, "Next": observe.state_id},
                    # Nobody can wake it then; the windows go on.
                    {"ErrorEquals": ["States.ALL"], "Output": CARRIED, "Next": wait.state_id},
                ],
            },
        )
        task.next(observe)
        return task

    def _continue(self, done: sfn.Pass) -> sfn.CustomState:
        """The name is the part's: a second start of it is the same execution."""
        task = self._written_out(
            "Go on in a fresh execution",
            resource="states:startExecution.sync:2",
            arguments={
                "StateMachineArn": "{% $states.context.StateMachine.Id %}",
                "Name": "{% $states.input.continue_as %}",
                "Input": {"carried": CARRIED},
            },
            output="{% $states.result.Output %}",
            more={
                "Comment": "This one's history is nearly full; it ends as the fresh one ends",
                "Catch": [
                    {"ErrorEquals": ["States.ALL"], "Output": _caught("failure"), "Next": self._roll_back.state_id}
                ],
            },
        )
        task.next(done)
        return task

    def _written_out(
        self, name: str, *, resource: str, arguments: Mapping[str, Any], output: str, more: Mapping[str, Any]
    ) -> sfn.CustomState:
        state = {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": f"arn:{Stack.of(self).partition}:states:::{resource}",
            "Arguments": arguments,
            "Output": output,
            **more,
        }
        return sfn.CustomState(self, name, state_json=state)

    def _decision(self, shift: tasks.LambdaInvoke, rest: sfn.Choice) -> sfn.Choice:
        decision = sfn.Choice.jsonata(self, "Which decision?")
        decision.when(_condition("$states.input.decision.kind = 'rollback'"), self._roll_back)
        decision.when(_condition("$states.input.decision.share != $states.input.asked"), shift)
        decision.when(_condition("$exists($states.input.outcome)"), self._end)
        return decision.otherwise(rest)

    def _let_it_go_on(self) -> None:
        """A policy apart from the role's own, which the machine depends on: this one names the machine."""
        stack = Stack.of(self)
        arn = self.machine.state_machine_arn
        self.machine.add_to_role_policy(follow_executions(stack))
        self._functions.gate.grant_invoke(self.machine)
        executions = stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        statements = [
            iam.PolicyStatement(actions=["states:StartExecution"], resources=[arn]),
            iam.PolicyStatement(actions=["states:DescribeExecution", "states:StopExecution"], resources=[executions]),
        ]
        go_on = iam.Policy(self, "GoOn", statements=statements, roles=[self.machine.role])
        name = stack.resolve(self.machine.state_machine_name)["Fn::GetAtt"][0]
        execution = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{name}.Name>:*"
        acknowledge(go_on, f"IAM5[Resource::{execution}]", "A fresh execution's ARN is known when it has been started")
        waiting = [iam.PolicyStatement(actions=["states:SendTaskSuccess"], resources=[arn])]
        iam.Policy(self, "Wake", statements=waiting, roles=[self._functions.gate.role])

    def _begin(self) -> tasks.LambdaInvoke:
        """Begin changes nothing but the lock, which it gives back when it fails; so there is nothing to roll back."""
        begin = invoke(
            self,
            "Begin",
            function=self._functions.begin,
            payload={
                "input": "{% $states.input %}",
                "name": "{% $states.context.Execution.Name %}",
                "execution": "{% $states.context.Execution.Id %}",
            },
            timeout_seconds=FUNCTION_SECONDS,
            comment="Lock the router, refuse one that is not all baseline",
        )
        refused = sfn.Fail.jsonata(
            self, "Refused", error="{% $states.input.error %}", cause="{% $states.input.cause %}"
        )
        begin.add_catch(
            refused,
            outputs={"error": "{% $states.errorOutput.Error %}", "cause": "{% $states.errorOutput.Cause %}"},
        )
        return begin

    def _leaving(self) -> tuple[tasks.LambdaInvoke, tasks.LambdaInvoke, sfn.Pass]:
        end = self._step("End", self._functions.end, "Record the outcome, unlock the router")
        failed = sfn.Fail.jsonata(self, "Failed", error="{% $states.input.error %}", cause="{% $states.input.cause %}")
        done = sfn.Pass.jsonata(self, "Done", comment="The output: rollout, outcome, reason, share, decisions")
        end.next(self._choice("Failed?", "$exists($states.input.error)", failed, done))
        roll_back = self._step("Roll back", self._functions.shift, "Share 0 at once, whatever the version")
        roll_back.next(end)
        unsafe = sfn.Fail.jsonata(
            self,
            "Not rolled back",
            error="RollbackFailed",
            cause="{% 'the router may still send traffic to the canary: ' & $states.input.cause %}",
        )
        roll_back.add_catch(unsafe, outputs={"cause": "{% $states.errorOutput.Cause %}"})
        return roll_back, end, done

    def _step(
        self, name: str, function: lambda_.IFunction, comment: str, *, ready_within: int = 0
    ) -> tasks.LambdaInvoke:
        return invoke(
            self,
            name,
            function=function,
            payload={"action": name, "carried": CARRIED},
            timeout_seconds=FUNCTION_SECONDS,
            ready_within_seconds=ready_within,
            comment=comment,
        )

    def _catch(self, *steps: tasks.LambdaInvoke) -> None:
        """Drift and a stop end the rollout, and its execution says so; any other error is rolled back and fails it."""
        for step in steps:
            step.add_catch(self._roll_back, errors=["Drift"], outputs=_caught("drift"))
            step.add_catch(self._roll_back, errors=["Stopped"], outputs=_caught("stopped"))
            step.add_catch(self._roll_back, outputs=_caught("failure"))

    def _choice(self, name: str, condition: str, then: sfn.IChainable, otherwise: sfn.IChainable) -> sfn.Choice:
        choice = sfn.Choice.jsonata(self, name)
        choice.when(_condition(condition), then).otherwise(otherwise)
        return choice


def follow_executions(stack: Stack) -> iam.PolicyStatement:
    """What a machine needs that waits for the executions it starts: Step Functions' own rule."""
    rule = stack.format_arn(
        service="events", resource="rule", resource_name="StepFunctionsGetEventsForStepFunctionsExecutionRule"
    )
    return iam.PolicyStatement(actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"], resources=[rule])


def _condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {expression} %}}")


def _caught(what: str) -> str:
    """What was carried into the step that failed, and why it failed."""
    return (
        "{% $merge([$states.input, {'" + what + "': {'error': $states.errorOutput.Error,"
        " 'cause': $states.errorOutput.Cause}}]) %}"
    )
