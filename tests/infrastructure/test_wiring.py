"""What is connected to what: environments, parameters, storage."""

import json

import pytest

from canario.canary.notices import KINDS
from lambdas.environment import environment_from
from tests.infrastructure.conftest import CA, ENDPOINT, Assembly, Template, read
from tests.infrastructure.reading import function, grants, of_type

FUNCTIONS = ("CanarioWorkshop", "CanarioCanary", "CanarioRegistrar")  # the stacks that have some


def variables(template: Template, construct: str) -> dict[str, object]:
    found: dict[str, object] = function(template, construct)["Environment"]["Variables"]
    return found


def test_the_functions_environment_is_what_they_read(workshop: Template, canary: Template) -> None:
    """Every variable that a function refuses to start without is set by the stacks."""
    for template, construct in ((workshop, "StageMesh"), (canary, "Observe")):
        given = dict.fromkeys(variables(template, construct), "x")
        given |= {"CANARIO_CLUSTER_ENDPOINT": ENDPOINT, "CANARIO_CLUSTER_CA": CA, "CANARIO_DIALECTS": "gateway"}
        given["CANARIO_OBSERVE_FROM"] = variables(template, construct)["CANARIO_OBSERVE_FROM"]

        assert environment_from(given).cluster_endpoint == ENDPOINT


def test_a_cluster_that_exists_reaches_every_function(assembly_of: Assembly) -> None:
    """Endpoint, CA, dialects, network and further variables are the settings'."""
    templates = read(assembly_of("existing"))

    for stack in FUNCTIONS:
        for each in of_type(templates[stack], "AWS::Lambda::Function").values():
            found = each["Environment"]["Variables"]
            assert found["CANARIO_CLUSTER_ENDPOINT"] == ENDPOINT
            assert found["CANARIO_CLUSTER_CA"] == CA
            assert found["CANARIO_DIALECTS"] == "gateway"
            assert found["http_proxy"] == "http://p:1"
            assert each["VpcConfig"] == {
                "SubnetIds": ["subnet-0123abcd", "subnet-0123abce"],
                "SecurityGroupIds": ["sg-0123abcd"],
            }


def test_the_lab_gets_nothing_that_it_does_not_have(assembly_of: Assembly) -> None:
    """No access entry and no network: what stands in for them is the lab cluster's own (docs/aws.md)."""
    for template in read(assembly_of("lab")).values():
        assert not of_type(template, "AWS::EKS::AccessEntry")
        assert not any("VpcConfig" in each for each in of_type(template, "AWS::Lambda::Function").values())


def test_records_survive_the_stack_and_a_mistake(templates: dict[str, Template]) -> None:
    """The table is kept when its stack goes, is encrypted, and can be restored to any second of the last 35 days."""
    resources = templates["CanarioRecords"]["Resources"]
    table = next(each for each in resources.values() if each["Type"] == "AWS::DynamoDB::Table")

    assert table["DeletionPolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert [key["AttributeName"] for key in table["Properties"]["KeySchema"]] == ["pk", "sk"]


def test_the_zone_is_private(templates: dict[str, Template]) -> None:
    """The workshops' names are for a VPC, not for the world."""
    zone = next(iter(of_type(templates["CanarioDiscovery"], "AWS::Route53::HostedZone").values()))

    assert zone["Name"] == "appmeshworkshop.hosted.local."
    assert len(zone["VPCs"]) == 1


def test_the_namespace_is_of_the_zones_vpc(templates: dict[str, Template]) -> None:
    """Cloud Map's names are for the same VPC, under the name that the workshops' names lead to."""
    discovery = templates["CanarioDiscovery"]
    namespace = next(iter(of_type(discovery, "AWS::ServiceDiscovery::PrivateDnsNamespace").values()))
    zone = next(iter(of_type(discovery, "AWS::Route53::HostedZone").values()))

    assert namespace["Name"] == "appmesh.pvt.local"
    assert namespace["Vpc"] == zone["VPCs"][0]["VPCId"]


def test_the_registrar_runs_every_minute_and_when_a_stage_asks(registrar: Template) -> None:
    """By the schedule, and by the stages' event on the workshops' bus."""
    schedule = next(iter(of_type(registrar, "AWS::Scheduler::Schedule").values()))
    rule = next(iter(of_type(registrar, "AWS::Events::Rule").values()))

    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["EventPattern"] == {"source": ["canario"], "detail-type": ["RegistrationWanted"]}
    assert "Bus" in str(rule["EventBusName"])
    for target in (schedule["Target"]["Arn"], rule["Targets"][0]["Arn"]):
        assert target["Fn::GetAtt"][0].startswith("RegistrarFunction")


def test_rollouts_are_started_stopped_and_watched_by_the_right_events(canary: Template) -> None:
    """Pushes start, alarms stop, a minute's schedule watches; what people are told comes from the workshops' bus."""
    rules = [each for each in of_type(canary, "AWS::Events::Rule").values() if "alarmName" not in str(each)]
    targets = {rule["Targets"][0]["Arn"]["Fn::GetAtt"][0].partition("Function")[0]: rule for rule in rules}

    assert targets["Start"]["EventPattern"]["source"] == ["aws.ecr"]
    assert targets["Alarm"]["EventPattern"]["detail"] == {"state": {"value": ["ALARM"]}}
    assert targets["Watchdog"]["ScheduleExpression"] == "rate(1 minute)"
    assert set(targets["Notify"]["EventPattern"]["detail-type"]) == set(KINDS)
    assert "Bus" in str(targets["Notify"]["EventBusName"])


def test_a_schedule_has_its_own_hours_and_people_are_subscribed(assembly_of: Assembly) -> None:
    """The settings' time zone and flexible window are EventBridge Scheduler's; the scheduled time names the rollout."""
    template = read(assembly_of("own, all else"))["CanarioCanary"]
    (made,) = of_type(template, "AWS::Scheduler::Schedule").values()

    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == (
        "cron(0 9 ? * MON-FRI *)",
        "America/Sao_Paulo",
    )
    assert made["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    asked = json.loads(made["Target"]["Input"])
    assert (asked["template"], asked["scheduled"]) == ("nodejs", "<aws.scheduler.scheduled-time>")
    subscribed = of_type(template, "AWS::SNS::Subscription").values()
    assert {each["Protocol"] for each in subscribed} == {"email", "https"}


def test_the_observer_is_there_where_it_is_wanted(assembly_of: Assembly, canary: Template) -> None:
    """Begin and the watchdog know its machine; where `observe_from` is 0 there is none, and nobody may call or ask."""
    without = read(assembly_of("existing"))["CanarioCanary"]
    callers = {
        name.partition("Function")[0]
        for name, each in of_type(canary, "AWS::Lambda::Function").items()
        if "CANARIO_OBSERVER_MACHINE" in each["Environment"]["Variables"]
    }

    assert callers == {"Begin", "Watchdog"}
    assert variables(canary, "Observe")["CANARIO_OBSERVE_FROM"] == "100"
    assert "Observer" not in {name.partition("Function")[0] for name in of_type(without, "AWS::Lambda::Function")}
    assert not {on for name in ("Observe", "Verify", "End") for _, on in grants(without, name)} & {"subscriptions"}


def test_what_is_left_for_rollouts_does_not_stay(templates: dict[str, Template]) -> None:
    """DynamoDB deletes by the attribute that the observer writes; records have none."""
    (table,) = of_type(templates["CanarioRecords"], "AWS::DynamoDB::Table").values()

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}


def test_every_function_is_traced_and_its_logs_end(workshop: Template, canary: Template) -> None:
    """Tracing is active; every log group has a retention."""
    for template in (workshop, canary):
        for each in of_type(template, "AWS::Lambda::Function").values():
            assert each["TracingConfig"] == {"Mode": "Active"}
        for each in of_type(template, "AWS::Logs::LogGroup").values():
            assert each["RetentionInDays"] == 30


def test_stack_outputs_are_the_contracts(templates: dict[str, Template]) -> None:
    """What the lab and the command line look for is among the outputs, under its own name."""
    outputs = {name for template in templates.values() for name in template.get("Outputs", {})}

    assert {"WorkshopMachineArn", "CanaryMachineArn", "TableName", "BusName", "ZoneId", "ImageTag"} <= outputs


def test_a_class_is_one_schedule_and_an_execution_each(assembly_of: Assembly) -> None:
    """At the same time of the same zone, with the input that a person would give, by a role that may only start."""
    template = read(assembly_of("own, all else"))["CanarioWorkshop"]
    schedules = [each for name, each in of_type(template, "AWS::Scheduler::Schedule").items() if "Starts" in name]
    (role,) = {each["Target"]["RoleArn"]["Fn::GetAtt"][0] for each in schedules}
    policies = of_type(template, "AWS::IAM::Policy").values()
    (statement,) = next(each for each in policies if {"Ref": role} in each["Roles"])["PolicyDocument"]["Statement"]
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine")

    assert [json.loads(each["Target"]["Input"]) for each in schedules] == [
        {"workshop": "turma-01", "mode": "guided"},
        {"workshop": "turma-02", "mode": "guided"},
    ]
    assert {each["ScheduleExpressionTimezone"] for each in schedules} == {"America/Sao_Paulo"}
    assert {each["Target"]["Arn"]["Ref"] for each in schedules} == {machine}
    assert (statement["Action"], statement["Resource"]) == ("states:StartExecution", {"Ref": machine})


@pytest.mark.parametrize("installation", ["own, all else", "existing"])
def test_destroying_the_stacks_leaves_the_records_and_nothing_else(assembly_of: Assembly, installation: str) -> None:
    """Logs end and go with their stacks, images too; no function has a log group that AWS would make without an end."""
    kept, endless = [], []
    for stack, template in read(assembly_of(installation)).items():
        for name, each in template["Resources"].items():
            properties = each.get("Properties", {})
            stateful = each["Type"] in ("AWS::Logs::LogGroup", "AWS::ECR::Repository", "AWS::S3::Bucket")
            if each.get("DeletionPolicy", "Retain" if stateful else "Delete") != "Delete":
                kept.append((stack, each["Type"]))
            if each["Type"] == "AWS::ECR::Repository":
                assert properties["EmptyOnDelete"] is True
            if each["Type"] == "AWS::Logs::LogGroup" and "RetentionInDays" not in properties:
                endless.append((stack, name))
            if each["Type"] == "AWS::Lambda::Function" and "LogGroup" not in properties.get("LoggingConfig", {}):
                endless.append((stack, name))

    assert kept == [("CanarioRecords", "AWS::DynamoDB::Table")]
    assert endless == []
