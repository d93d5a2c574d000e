"""Rollouts of several services, one after the other (docs/operating.md).

`Which next?` names the next rollout for as long as the one before it was promoted; `Run rollout` waits for its end.
"""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge_executions
from stacks.constructs.machine import Machine
from stacks.constructs.steps import invoke

FUNCTION_SECONDS = 30


class OrderMachine(Construct):
    def __init__(self, scope: Construct, id: str, *, function: lambda_.IFunction, rollouts: sfn.IStateMachine) -> None:
        super().__init__(scope, id)
        first = sfn.Pass.jsonata(self, "Begin order", assign={"asked": "{% $states.input %}"}, outputs={"done": []})
        which = self._which(function)
        ended = sfn.Pass.jsonata(self, "Order ended", comment="The output: order, outcome, done, reason")
        run = self._run(rollouts, which)
        left = sfn.Choice.jsonata(self, "Any left?")
        left.when(sfn.Condition.jsonata("{% $exists($states.input.next) %}"), run)
        first.next(which).next(left.otherwise(ended))
        run.next(which)
        self.machine = Machine(self, "Machine", definition=first, functions=[function]).machine
        acknowledge_executions(self, rollouts, "*")

    def _which(self, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        which = invoke(
            self,
            "Which next?",
            function=function,
            payload={
                "order": "{% $states.context.Execution.Name %}",
                "input": "{% $asked %}",
                "done": "{% $states.input.done %}",
            },
            timeout_seconds=FUNCTION_SECONDS,
            comment="Record how the last one ended; the next one, if that was promoted",
        )
        failed = sfn.Fail.jsonata(
            self, "Order failed", error="{% $states.input.error %}", cause="{% $states.input.cause %}"
        )
        which.add_catch(
            failed, outputs={"error": "{% $states.errorOutput.Error %}", "cause": "{% $states.errorOutput.Cause %}"}
        )
        return which

    def _run(self, rollouts: sfn.IStateMachine, which: tasks.LambdaInvoke) -> tasks.StepFunctionsStartExecution:
        """Whatever the rollout's end, it is one entry more in `done`; one that failed is not promoted."""
        done = "{'done': $append($states.input.done, [%s])}"
        run = tasks.StepFunctionsStartExecution.jsonata(
            self,
            "Run rollout in order",
            state_machine=rollouts,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            name="{% $states.input.next.rollout %}",
            input=sfn.TaskInput.from_text("{% $states.input.next %}"),
            outputs="{% " + done % "$states.result.Output" + " %}",
            comment="One execution of the canary machine",
        )
        failure = (
            "{'rollout': $states.input.next.rollout, 'outcome': 'failed',"
            " 'reason': $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : $states.errorOutput.Error}"
        )
        run.add_catch(which, outputs="{% " + done % failure + " %}")
        return run
