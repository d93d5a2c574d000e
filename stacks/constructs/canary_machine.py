"""The canary's state machine (DESIGN, section 5; docs/state-machines.md).

The state data is what `canario.canary.steps` carries from step to step. Evidence goes round
Wait → Observe → Decide → Shift → Verify → Wait; drift and errors leave it for `Roll back`.
"""

from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs.machine import Machine
from stacks.constructs.steps import invoke

VERIFIED_WITHIN_SECONDS = 60
FUNCTION_SECONDS = 60
CARRIED = "{% $states.input %}"


@dataclass(frozen=True, kw_only=True)
class RolloutFunctions:
    begin: lambda_.IFunction
    observe: lambda_.IFunction
    decide: lambda_.IFunction
    shift: lambda_.IFunction
    verify: lambda_.IFunction
    end: lambda_.IFunction


class CanaryMachine(Construct):
    def __init__(self, scope: Construct, id: str, *, functions: RolloutFunctions) -> None:
        super().__init__(scope, id)
        self._functions = functions
        begin = self._begin()
        verify = self._step("Verify", functions.verify, "Prove at the proxies that the share is in force", waits=True)
        wait = sfn.Wait.jsonata(
            self, "Wait", time=sfn.WaitTime.timestamp("{% $states.input.wait %}"), comment="For the next whole window"
        )
        observe = self._step("Observe", functions.observe, "Read the windows not yet read")
        decide = self._step("Decide", functions.decide, "Weigh the evidence; record each decision")
        shift = self._step("Shift", functions.shift, "Write the share by compare-and-set")
        self._connect(begin, verify, wait, observe, decide, shift)
        self._catch(verify, observe, decide, shift)
        self.machine = Machine(self, "Machine", definition=begin, functions=vars(functions).values()).machine

    def _connect(
        self,
        begin: tasks.LambdaInvoke,
        verify: tasks.LambdaInvoke,
        wait: sfn.Wait,
        observe: tasks.LambdaInvoke,
        decide: tasks.LambdaInvoke,
        shift: tasks.LambdaInvoke,
    ) -> None:
        self._roll_back, self._end = self._leaving()
        begin.next(verify).next(self._choice("Over?", "$exists($states.input.outcome)", self._end, wait))
        wait.next(observe).next(self._choice("Any window?", "$count($states.input.observations) > 0", decide, wait))
        decision = sfn.Choice.jsonata(self, "Which decision?")
        decision.when(_condition("$states.input.decision.kind = 'rollback'"), self._roll_back)
        decision.when(_condition("$states.input.decision.share != $states.input.asked"), shift)
        decision.when(_condition("$exists($states.input.outcome)"), self._end)
        decide.next(decision.otherwise(wait))
        shift.next(verify)

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

    def _leaving(self) -> tuple[tasks.LambdaInvoke, tasks.LambdaInvoke]:
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
        return roll_back, end

    def _step(self, name: str, function: lambda_.IFunction, comment: str, *, waits: bool = False) -> tasks.LambdaInvoke:
        return invoke(
            self,
            name,
            function=function,
            payload={"action": name, "carried": CARRIED},
            timeout_seconds=FUNCTION_SECONDS,
            ready_within_seconds=VERIFIED_WITHIN_SECONDS if waits else 0,
            comment=comment,
        )

    def _catch(self, *steps: tasks.LambdaInvoke) -> None:
        """Drift ends the rollout, and its execution says so; any other error is rolled back and fails it."""
        for step in steps:
            step.add_catch(self._roll_back, errors=["Drift"], outputs=_caught("drift"))
            step.add_catch(self._roll_back, outputs=_caught("failure"))

    def _choice(self, name: str, condition: str, then: sfn.IChainable, otherwise: sfn.IChainable) -> sfn.Choice:
        choice = sfn.Choice.jsonata(self, name)
        choice.when(_condition(condition), then).otherwise(otherwise)
        return choice


def _condition(expression: str) -> sfn.Condition:
    return sfn.Condition.jsonata(f"{{% {expression} %}}")


def _caught(what: str) -> str:
    """What was carried into the step that failed, and why it failed."""
    return (
        "{% $merge([$states.input, {'" + what + "': {'error': $states.errorOutput.Error,"
        " 'cause': $states.errorOutput.Cause}}]) %}"
    )
