"""What others' tools say of the templates and the machines, and what keeps an execution inside AWS's limits."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint

from canario.canary.looks import MOST_LOOKS
from canario.workshop.request import STAGES
from canario.workshop.stages import all_stages
from stacks.constructs.steps import TRANSIENT, attempts_for
from tests.infrastructure.conftest import INSTALLATIONS, Assembly, read
from tests.infrastructure.reading import Template, definition, machines, of_type

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = ROOT / "node_modules" / ".bin" / "asl-validator"
HISTORY_LIMIT = 25_000
OBVIOUS = "W3005"  # the CDK writes DependsOn also where a reference says the same


def test_cfn_lint_has_nothing_to_say(assembly_of: Assembly) -> None:
    """Every synthesised template passes cfn-lint for the document's region; what several installations share, once."""
    templates = {
        json.dumps(template): f"{installation}: {name}"
        for installation in INSTALLATIONS
        for name, template in read(assembly_of(installation)).items()
    }
    arguments = ManualArgs(regions=["us-west-1"], ignore_checks=[OBVIOUS])

    assert [f"{name}: {match}" for text, name in templates.items() for match in lint(text, config=arguments)] == []


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_cdk_nag_has_nothing_to_say_that_is_not_answered(assembly_of: Assembly, installation: str) -> None:
    """AwsSolutions' rules are followed, or acknowledged with a reason where the resource is made."""
    reports = json.loads((assembly_of(installation) / "validation-report.json").read_text())["pluginReports"]
    (report,) = (each for each in reports if each["pluginName"] == "AwsSolutions")

    assert (report["conclusion"], report["violations"]) == ("success", [])
    assert report["suppressedViolations"]
    assert all(each["reason"] for each in report["suppressedViolations"])


MACHINES = {
    "WorkshopMachine": "CanarioWorkshop",
    "CanaryMachine": "CanarioCanary",
    "StartsOrderMachine": "CanarioCanary",
    "SharedMachine": "CanarioCanary",
}


@pytest.mark.parametrize("machine", MACHINES)
def test_asl_validator_accepts_the_machine(templates: dict[str, Template], machine: str, tmp_path: Path) -> None:
    """All definitions are valid Amazon States Language, JSONata included."""
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(definition(templates[MACHINES[machine]], machine)))
    node = shutil.which("node", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    done = subprocess.run(
        [str(node), str(VALIDATOR), "--json-path", str(path)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def states(template: Template, machine: str = "") -> dict[str, Any]:
    found: dict[str, Any] = definition(template, machine)["States"]
    return found


def test_no_machine_is_left_out_here(templates: dict[str, Template]) -> None:
    """A machine that this file does not know is one that nobody has validated."""
    assert {name for template in templates.values() for name in machines(template)} == set(MACHINES)


def test_the_graph_reads_like_the_document(workshop: Template) -> None:
    """Every stage of the document has its states, or a place that says that it is not there yet."""
    names = set(states(workshop))
    available = {stage.id for stage in all_stages()}

    for stage in STAGES:
        expected = (
            {f"{what} {stage}" for what in ("Wait for", "Solve", "Check")} | {f"Who does {stage}?", f"Until {stage}?"}
            if stage in available
            else {f"{stage} (not yet)"}
        )
        assert expected <= names


def test_every_task_retries_what_is_transient_and_catches_the_rest(workshop: Template, canary: Template) -> None:
    """No function's failure leaves a machine without its last words. Ends have nowhere to go."""
    looked_at = [(workshop, "WorkshopMachine")]
    looked_at += [(canary, machine) for machine in ("CanaryMachine", "StartsOrderMachine", "SharedMachine")]
    executions = {"Run rollout", "Run rollout in order", "Go on in a fresh execution"}
    for template, machine in looked_at:
        for name, state in states(template, machine).items():
            if state["Type"] != "Task" or name in executions:
                continue
            retried = {error for each in state["Retry"] for error in each["ErrorEquals"]}
            # Nobody's coming is no failure of Lambda's.
            transient = set(TRANSIENT) - {"States.Timeout"} if name.startswith("Wait for ") else set(TRANSIENT)
            assert transient <= retried, name
            assert name == "End" or state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_a_stage_is_asked_until_its_deadline(workshop: Template) -> None:
    """The retries of NotReady last longer than the stage's own deadline, which is what ends them."""
    for stage in all_stages():
        retry = next(
            each for each in states(workshop)[f"Check {stage.id}"]["Retry"] if each["ErrorEquals"] == ["NotReady"]
        )
        waits = [
            min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"])
            for n in range(retry["MaxAttempts"])
        ]
        assert sum(waits) >= stage.deadline_seconds
        assert max(waits) <= 5


def test_attempts_cover_the_time_asked_for() -> None:
    """The number of attempts grows with the seconds to be waited."""
    assert attempts_for(60) < attempts_for(600) < 200


def test_an_execution_stays_well_below_the_limit_of_history(workshop: Template) -> None:
    """The longest part of a rollout, and every stage asked until its deadline, use a fraction of 25,000 events each."""
    events_a_look, events_an_attempt = 30, 4
    attempts = sum(2 * attempts_for(stage.deadline_seconds) for stage in all_stages())

    assert MOST_LOOKS * events_a_look < 0.5 * HISTORY_LIMIT
    assert attempts * events_an_attempt < 0.5 * HISTORY_LIMIT


def test_the_observer_looks_until_its_duty_ends(canary: Template) -> None:
    """A look that failed is followed by another one, half a minute later; nothing but the time ends a duty."""
    found = states(canary, "SharedMachine")
    (choice,) = found["On duty then?"]["Choices"]

    assert {found["Look"]["Next"], *(each["Next"] for each in found["Look"]["Catch"])} == {"On duty then?"}
    assert (choice["Next"], found["On duty then?"]["Default"]) == ("Wait for a window", "Off duty")
    assert "$states.input.until" in choice["Condition"]
    assert found["Wait for a window"]["Next"] == found["On duty from"]["Next"] == "Look"
    assert "30000" in found["Look"]["Catch"][-1]["Output"]


def test_a_guided_stage_waits_with_its_own_token_and_not_for_ever(workshop: Template) -> None:
    """The token is the task's, and hours without a sign of life, or in all, end the wait; no retry begins it anew."""
    for stage in all_stages():
        state = states(workshop)[f"Wait for {stage.id}"]
        retried = {error for each in state["Retry"] for error in each["ErrorEquals"]}

        assert state["Resource"].endswith(":lambda:invoke.waitForTaskToken")
        assert state["Arguments"]["Payload"]["token"] == "{% $states.context.Task.Token %}"
        assert (state["HeartbeatSeconds"], state["TimeoutSeconds"]) == (4 * 3600, 72 * 3600)
        assert not {"States.Timeout", "States.HeartbeatTimeout", "States.ALL"} & retried


def test_a_rollout_waits_for_a_person_no_longer_than_to_its_next_window(canary: Template) -> None:
    """The windows go on whether a person comes, nobody comes, or the wait itself fails."""
    state = states(canary, "CanaryMachine")["Wait for a person"]
    after = {each["ErrorEquals"][0]: each["Next"] for each in state["Catch"]}

    assert "$states.input.wait" in state["TimeoutSeconds"]
    assert (state["Next"], after) == ("Observe", {"States.Timeout": "Observe", "States.ALL": "Wait"})


def test_a_rollout_goes_on_in_its_own_machine_under_the_parts_name(canary: Template) -> None:
    """One name is one execution, so however often it is asked for, only one goes on."""
    state = states(canary, "CanaryMachine")["Go on in a fresh execution"]

    assert state["Arguments"]["StateMachineArn"] == "{% $states.context.StateMachine.Id %}"
    assert state["Arguments"]["Name"] == "{% $states.input.continue_as %}"
    assert state["Resource"].endswith("startExecution.sync:2")
    assert state["Catch"][-1]["Next"] == "Roll back"


def test_the_workshops_logs_have_no_data(workshop: Template, canary: Template) -> None:
    """A state's input has the task token: the workshop machine logs what happened, the canary's also with what."""
    for template, wanted in ((workshop, False), (canary, True)):
        machine = next(iter(of_type(template, "AWS::StepFunctions::StateMachine").values()))

        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is wanted
