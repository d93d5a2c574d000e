"""The dashboard, the alarms and the log of events speak of what is really emitted."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from canario.telemetry import datapoints
from canario.telemetry.counts import Counts, Node
from stacks.constructs.dashboard import DECISIONS, STAGE_EVENTS
from tests.infrastructure.conftest import ROOT, Assembly, Template, read
from tests.infrastructure.reading import of_type
from tests.infrastructure.watching import Watch

Metric = tuple[str, str, frozenset[str]]  # namespace, name, dimensions' names

# AWS's own, as its documentation has them.
AWS: set[Metric] = {
    ("AWS/States", "ExecutionsFailed", frozenset({"StateMachineArn"})),
    ("AWS/States", "ExecutionsTimedOut", frozenset({"StateMachineArn"})),
    ("AWS/Lambda", "Errors", frozenset({"FunctionName"})),
    ("AWS/Lambda", "Throttles", frozenset()),
}


@pytest.fixture(scope="module")
def template(templates: dict[str, Template]) -> Template:
    return templates["CanarioObservability"]


@pytest.fixture(scope="module")
def widgets(template: Template) -> list[dict[str, Any]]:
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    body = "".join(part if isinstance(part, str) else "REFERENCE" for part in dashboard["DashboardBody"]["Fn::Join"][1])
    return list(json.loads(body)["widgets"])


def emitted() -> set[Metric]:
    """What the functions count, what the collectors put by the telemetry contract, and what AWS itself tells."""
    told = datapoints.data({Node("ns", "nodejs", "nodejs-app"): Counts(1, 0, 1, {5.0: 1})}, {}, 0)
    mesh = {
        (datapoints.NAMESPACE, each["MetricName"], frozenset(pair["Name"] for pair in each["Dimensions"]))
        for each in told
    }
    return mesh | set(_counted()) | AWS


def _counted() -> Iterator[Metric]:
    """Every `count("Name", dimension=…)` of the functions; powertools adds the dimension `service`."""
    for path in (ROOT / "lambdas").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "count"
            if named and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                dimensions = {str(each.arg) for each in node.keywords}  # type: ignore[attr-defined]
                yield "Canario/Functions", node.args[0].value, frozenset({"service", *dimensions})  # type: ignore[attr-defined]


def shown(widget: Mapping[str, Any]) -> Iterator[Metric]:
    """The metrics of a widget, by CloudWatch's shorthand: `.` repeats what the line above has there."""
    above: list[Any] = []
    for line in widget["properties"].get("metrics", []):
        if isinstance(line[0], dict):
            continue  # an expression; what it uses has lines of its own
        texts = [each for each in line if isinstance(each, str)]
        whole = [above[at] if text == "." else text for at, text in enumerate(texts)]
        if "..." in whole:
            whole = [*above[:-1], whole[-1]]
        above = whole
        yield whole[0], whole[1], frozenset(whole[2::2])


def test_every_widget_shows_what_is_emitted(widgets: list[dict[str, Any]]) -> None:
    """A metric that nobody puts is an empty picture."""
    found = {metric for widget in widgets for metric in shown(widget)}

    assert found - emitted() == set()
    assert {name for _, name, _ in found} >= {"Requests", "Errors", "Latency", "StageFailures"}


def test_every_alarm_looks_at_what_is_emitted(template: Template) -> None:
    """And says in words what it is about."""
    for each in of_type(template, "AWS::CloudWatch::Alarm").values():
        dimensions = frozenset(pair["Name"] for pair in each.get("Dimensions", []))

        assert (each["Namespace"], each["MetricName"], dimensions) in emitted()
        assert each["AlarmDescription"].startswith("Canario: ")


def test_every_alarm_is_on_the_dashboard(template: Template, widgets: list[dict[str, Any]]) -> None:
    """Whoever looks there sees whether one rings."""
    (widget,) = (each for each in widgets if each["type"] == "alarm")

    assert len(widget["properties"]["alarms"]) == len(of_type(template, "AWS::CloudWatch::Alarm"))


def test_people_are_told_of_every_alarm(template: Template, canary: Template) -> None:
    """A rule knows them by the beginning of their names, and wakes who tells people."""
    rules = of_type(canary, "AWS::Events::Rule").values()
    (rule,) = (each for each in rules if "alarmName" in str(each))
    (known,) = rule["EventPattern"]["detail"]["alarmName"]
    (target,) = rule["Targets"]

    assert rule["EventPattern"]["detail"]["state"] == {"value": ["ALARM"]}
    for each in of_type(template, "AWS::CloudWatch::Alarm").values():
        assert each["AlarmName"].startswith(known["prefix"])
    assert target["Arn"]["Fn::GetAtt"][0].startswith("Notify")


def test_a_workshop_is_chosen_by_its_id(template: Template) -> None:
    """The dashboard's variable replaces the dimension that the metrics have."""
    assert json.dumps("Workshop") in json.dumps(of_type(template, "AWS::CloudWatch::Dashboard")).replace('\\"', '"')


@pytest.mark.parametrize("query", [DECISIONS, STAGE_EVENTS])
def test_the_queries_of_events_name_what_events_have(query: tuple[str, ...], watches: Mapping[str, Watch]) -> None:
    """Kinds and fields are those that the functions put on the bus."""
    text = " ".join(query)
    kinds = set(re.findall(r"'(\w+)'", text))
    names = set(re.findall(r"detail\.(\w+)", text))

    for watch in watches.values():
        assert kinds <= set(watch.said)
        assert names <= set().union(*(watch.said[kind] for kind in kinds))


def test_events_are_kept_as_long_as_logs_are(template: Template) -> None:
    """All of Canario's, into a group with an end, which EventBridge may write."""
    (rule,) = of_type(template, "AWS::Events::Rule").values()
    (group,) = of_type(template, "AWS::Logs::LogGroup").values()

    assert rule["EventPattern"] == {"source": ["canario"]}
    assert group["RetentionInDays"] == 30
    assert len(of_type(template, "AWS::Logs::ResourcePolicy")) == 1


def test_traces_have_a_group_where_x_ray_has_groups(assembly_of: Assembly, template: Template) -> None:
    """By the workshops' own names; the lab has none."""
    (group,) = of_type(template, "AWS::XRay::Group").values()

    assert "appmeshworkshop.hosted.local" in group["FilterExpression"]
    assert not of_type(read(assembly_of("lab"))["CanarioObservability"], "AWS::XRay::Group")
