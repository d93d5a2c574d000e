"""The workshop's state machine (DESIGN, section 4; docs/state-machines.md).

`Begin` leaves the normalised request in the variable `request`; each stage is a pair of states, `Solve mesh` and
`Check mesh`, and the choice `Until mesh?`. In mode guided `Who does mesh?` goes through `Wait for mesh`, whose result
says how it was finished, and so what is left for `Solve mesh` to do. Whatever fails goes to `Record failure` with the
state data `{"stage", "request", "error", "cause"}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from canario.workshop.request import STAGES
from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.machine import Machine
from stacks.constructs.steps import TRANSIENT, invoke, retry_transient

# A rollout bears its run's name: a second start of it is refused by Step Functions, and its record is found.
RUN = "{% $states.context.Execution.Name %}"
# What the canary's solve found.
SOLVED = {"target": "{% $states.input.outputs.target %}", "plan": "{% $states.input.outputs.plan %}"}
TOKEN = "{% $states.context.Task.Token %}"  # noqa: S105 - where Step Functions has it, not what it is
FUNCTION_SECONDS = 120
# What `Wait for mesh` was told; in mode auto there was no wait, and the machine does the work.
FINISH = "{% $exists($states.input.finish) ? $states.input.finish : 'solve' %}"


@dataclass(frozen=True, kw_only=True)
class StageFunction:
    """One stage of the machine."""

    id: str
    section: str
    deadline_seconds: int
    function: lambda_.IFunction


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a guided stage waits for its attendee."""

    heartbeat_hours: int  # without a sign of life
    timeout_hours: int  # in all


class WorkshopMachine(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        begin: lambda_.IFunction,
        stages: Sequence[StageFunction],
        end: lambda_.IFunction,
        fail: lambda_.IFunction,
        rollouts: sfn.IStateMachine,
        patience: Patience,
    ) -> None:
        super().__init__(scope, id)
        self._rollouts, self._patience = rollouts, patience
        self._end = _end(self, end)
        self._record_failure = _record_failure(self, fail)
        self._cleaning: tasks.LambdaInvoke | None = None
        first = _begin(self, begin)
        first.add_catch(self._record_failure, outputs=_caught("begin", "{% $states.input %}"))
        tail: sfn.IChainable = self._end
        for stage in reversed(stages):
            tail = self._stage(stage, tail)
        tail = self._only_clean(tail)
        functions = [begin, end, fail, *(stage.function for stage in stages)]
        # Its states' data hold task tokens, which are nobody's to read in a log.
        self.machine = Machine(
            self, "Machine", definition=first.next(tail), functions=functions, log_data=False
        ).machine
        _acknowledge_executions(self)
        self._let_stages_answer(stages)

    def _stage(self, stage: StageFunction, after: sfn.IChainable) -> sfn.IChainable:
        solve = self._invoke(stage, "solve", ready_within_seconds=stage.deadline_seconds)
        check = self._invoke(stage, "check", ready_within_seconds=stage.deadline_seconds)
        until = sfn.Choice.jsonata(self, f"Until {stage.id}?")
        until.when(sfn.Condition.jsonata(f"{{% $request.until = '{stage.id}' %}}"), self._end).otherwise(after)
        check.next(until)
        if stage.id == STAGES[-1]:
            self._cleaning = solve
        work = self._canary(solve, check) if stage.id == "canary" else solve.next(check)
        who = sfn.Choice.jsonata(self, f"Who does {stage.id}?")
        return who.when(_is_guided(stage.id), self._wait(stage).next(solve)).otherwise(work)

    def _only_clean(self, otherwise: sfn.IChainable) -> sfn.IChainable:
        """A workshop that is only to be cleaned, at whatever stage it is, goes straight to the last one."""
        if self._cleaning is None:
            return otherwise
        only = sfn.Choice.jsonata(self, "Only clean?")
        return only.when(sfn.Condition.jsonata("{% $request.only = 'clean' %}"), self._cleaning).otherwise(otherwise)

    def _canary(self, solve: tasks.LambdaInvoke, check: tasks.LambdaInvoke) -> sfn.IChainable:
        """Between solve and check runs the rollout, unless the record says that this stage has passed."""
        run = tasks.StepFunctionsStartExecution.jsonata(
            self,
            "Run rollout",
            state_machine=self._rollouts,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            name=RUN,
            input=sfn.TaskInput.from_object({"rollout": RUN, **SOLVED}),
            outputs="{% $states.result.Output %}",
            comment="One execution of the canary machine",
        )
        run.add_catch(self._record_failure, outputs=_caught("canary", "{% $request %}"))
        passed = sfn.Choice.jsonata(self, "Canary passed before?")
        passed.when(sfn.Condition.jsonata("{% $states.input.status != 'running' %}"), check).otherwise(run.next(check))
        return solve.next(passed)

    def _wait(self, stage: StageFunction) -> tasks.LambdaInvoke:
        """The stage's function keeps the token; whoever ends the wait says how: `{"finish": "done"}`, for example."""
        task = tasks.LambdaInvoke.jsonata(
            self,
            f"Wait for {stage.id}",
            lambda_function=stage.function,
            payload=sfn.TaskInput.from_object(
                {"action": "wait", "request": "{% $request %}", "run": RUN, "token": TOKEN}
            ),
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            task_timeout=sfn.Timeout.duration(Duration.hours(self._patience.timeout_hours)),
            heartbeat_timeout=sfn.Timeout.duration(Duration.hours(self._patience.heartbeat_hours)),
            retry_on_service_exceptions=False,
            comment=f"{stage.section}: the attendee's own work",
        )
        # A time-out is the attendee's, not Lambda's.
        retry_transient(task, [error for error in TRANSIENT if error != "States.Timeout"])
        task.add_catch(self._record_failure, outputs=_caught(stage.id, "{% $request %}"))
        return task

    def _let_stages_answer(self, stages: Sequence[StageFunction]) -> None:
        """A policy apart from the functions' roles' own, which the machine depends on."""
        statement = iam.PolicyStatement(
            actions=["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"],
            resources=[self.machine.state_machine_arn],
        )
        roles = [stage.function.role for stage in stages if stage.function.role]
        iam.Policy(self, "AnswerWaits", statements=[statement], roles=roles)

    def _invoke(self, stage: StageFunction, action: str, *, ready_within_seconds: int) -> tasks.LambdaInvoke:
        task = invoke(
            self,
            f"{action.capitalize()} {stage.id}",
            function=stage.function,
            payload={
                "action": action,
                "request": "{% $request %}",
                "run": RUN,
                **({"finish": FINISH} if action == "solve" else {}),
                "entered": "{% $states.context.State.EnteredTime %}",
            },
            timeout_seconds=FUNCTION_SECONDS + 10,
            ready_within_seconds=ready_within_seconds,
            comment=stage.section,
        )
        task.add_catch(self._record_failure, outputs=_caught(stage.id, "{% $request %}"))
        return task


def _is_guided(stage: str) -> sfn.Condition:
    """Whether the attendee does the stage: the workshop is guided from it, or from one before it."""
    until_here = ", ".join(f"'{each}'" for each in STAGES[: STAGES.index(stage) + 1])
    return sfn.Condition.jsonata(f"{{% $request.mode = 'guided' and $request.guided_from in [{until_here}] %}}")


def _begin(scope: Construct, function: lambda_.IFunction) -> tasks.LambdaInvoke:
    return invoke(
        scope,
        "Begin",
        function=function,
        payload={"input": "{% $states.input %}", "run": RUN},
        assign={"request": "{% $states.result.Payload %}"},
        timeout_seconds=40,
        comment="Validate the input, fill in its defaults",
    )


def _end(scope: Construct, function: lambda_.IFunction) -> tasks.LambdaInvoke:
    return invoke(
        scope,
        "End",
        function=function,
        payload={"request": "{% $request %}", "run": RUN},
        timeout_seconds=40,
        comment="Record the outcome; put the event WorkshopSucceeded",
    )


def _record_failure(scope: Construct, function: lambda_.IFunction) -> tasks.LambdaInvoke:
    record = invoke(
        scope,
        "Record failure",
        function=function,
        payload={"failure": "{% $states.input %}", "run": RUN},
        timeout_seconds=70,
        comment="Say which stage failed and why; roll back a canary in flight; leave everything else as it is",
    )
    failed = sfn.Fail.jsonata(scope, "Failed", error="{% $states.input.error %}", cause="{% $states.input.cause %}")
    unrecorded = {
        "error": "{% $states.input.error %}",
        "cause": "{% $states.input.cause & ' (this could not be recorded: ' & $states.errorOutput.Cause & ')' %}",
    }
    record.add_catch(failed, outputs=unrecorded)
    record.next(failed)
    return record


def _caught(stage: str, request: str) -> Mapping[str, str]:
    return {
        "stage": stage,
        "request": request,
        "error": "{% $states.errorOutput.Error %}",
        "cause": "{% $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '' %}",  # a time-out has none
    }


def _acknowledge_executions(scope: Construct) -> None:
    # cdk-nag names the resource as it is resolved at the very end, which nothing can compute here.
    export = '{"Fn::ImportValue":"CanarioCanary:ExportsOutputRefCanaryMachine57764F04B9706D5D"}'
    machine = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{export}]}}]}}'
    execution = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{machine}*"
    acknowledge(scope, f"IAM5[Resource::{execution}]", "An execution's ARN is known when it has been started")
