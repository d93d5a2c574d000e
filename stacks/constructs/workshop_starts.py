"""Workshops that start by themselves: a schedule each, which starts an execution of the machine as a person would."""

from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.constructs.schedule_times import times
from stacks.settings import Settings


class WorkshopStarts(Construct):
    """One role for all: it may start that machine and nothing else."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, machine: sfn.IStateMachine) -> None:
        super().__init__(scope, id)
        for each in settings.workshop_schedules:
            for given in each.inputs():
                scheduler.Schedule(
                    self,
                    f"{each.name}-{given['workshop']}",
                    description=f"Canario: start the workshop {given['workshop']} ({each.name})",
                    target=scheduler_targets.StepFunctionsStartExecution(
                        machine,
                        input=scheduler.ScheduleTargetInput.from_object(dict(given)),
                        retry_attempts=3,
                    ),
                    **times(each),
                )
