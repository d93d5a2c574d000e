"""Each function's role allows exactly what the function does in AWS."""

import pytest

from canario.workshop.request import STAGES
from tests.infrastructure.reading import Grant, Template, function, grants, of_type

# Its own logs, trace segments, and its place in the cluster's VPC. X-Ray's two actions and these know no resources.
INTERFACES = ("Create", "Delete", "Describe")
NETWORK = {(f"ec2:{how}NetworkInterface{'s' * (how == 'Describe')}", "*") for how in INTERFACES}
NETWORK |= {(f"ec2:{action}", "*") for action in ("DescribeSubnets", "AssignPrivateIpAddresses")}
NETWORK |= {("ec2:UnassignPrivateIpAddresses", "*")}
EVERY = NETWORK | {
    ("logs:CreateLogStream", "Logs"),
    ("logs:PutLogEvents", "Logs"),
    ("xray:PutTraceSegments", "*"),
    ("xray:PutTelemetryRecords", "*"),
}
EVENT = ("events:PutEvents", "Bus")
RECORD = {EVENT, ("dynamodb:PutItem", "workshop#*"), ("dynamodb:Query", "workshop#*")}
# A stage that waits for its attendee keeps the token, and answers with it.
WAITS = {(f"dynamodb:{action}", "waiting#*") for action in ("PutItem", "GetItem", "UpdateItem", "DeleteItem")}
WAITS |= {(f"states:SendTask{how}", "Workshop") for how in ("Success", "Failure", "Heartbeat")}
STAGE = RECORD | WAITS
NAMES = {("route53:ListResourceRecordSets", "Zone"), ("route53:ChangeResourceRecordSets", "Zone")}
IMAGES = {("ecr:DescribeImages", name) for name in ("frontend", "nodejs", "nodejsv2", "crystal")}
CLOUD_MAP = ("ListNamespaces", "ListServices", "ListInstances", "GetInstancesHealthStatus")
LOOK = {(f"servicediscovery:{action}", "*") for action in CLOUD_MAP}
DISCOVER = {("servicediscovery:DiscoverInstances", "*")}
RECORDS = {("route53:ChangeResourceRecordSets", "Namespace"), ("route53:GetHostedZone", "Namespace")}
APPEND = ("dynamodb:PutItem", "rollout#*")
UNLOCK = ("dynamodb:DeleteItem", "router#*")
SETTLE = ("dynamodb:UpdateItem", "routers")
HOLDER = ("dynamodb:GetItem", "router#*")


def on_services(*actions: str) -> set[Grant]:
    """Actions on Cloud Map's services and on the namespace."""
    return {(f"servicediscovery:{action}", on) for action in actions for on in ("Namespace", "services")}


INSTANCES = on_services("GetService", "DeregisterInstance", "DeleteService")

WORKSHOP: dict[str, set[Grant]] = {
    "Begin": {
        EVENT,
        ("dynamodb:Query", "workshop#*"),
        ("dynamodb:GetItem", "lifetimes"),
        ("dynamodb:PutItem", "lifetimes"),
    },
    "End": {
        EVENT,
        ("dynamodb:Query", "workshop#*"),
        ("dynamodb:BatchWriteItem", "workshop#*"),
        ("dynamodb:DeleteItem", "lifetimes"),
    },
    "Fail": RECORD | {APPEND, ("dynamodb:Query", "rollout#*"), UNLOCK, SETTLE},
    "StagePreflight": STAGE
    | IMAGES
    | LOOK  # counted, for the preflight of many workshops
    | {("route53:ListResourceRecordSets", "Zone"), ("servicediscovery:GetService", "services")},
    "StageBaseline": STAGE | NAMES,
    "StageController": STAGE,
    "StageMesh": STAGE,
    "StageTracing": STAGE
    | {("xray:GetServiceGraph", "*"), ("xray:GetTraceSummaries", "*"), ("xray:BatchGetTraces", "*")},
    "StageDiscovery": STAGE | NAMES | LOOK | DISCOVER | RECORDS | INSTANCES | {("cloudwatch:GetMetricData", "*")},
    "StageGateway": STAGE,
    "StageCanary": STAGE | {("dynamodb:Query", "rollout#*"), ("servicediscovery:DiscoverInstances", "*")},
    "StageMtls": STAGE,
    "StageClean": STAGE
    | NAMES
    | LOOK
    | RECORDS
    | INSTANCES
    | {APPEND, ("dynamodb:Query", "rollout#*"), HOLDER, UNLOCK, SETTLE},
    "Expire": {
        EVENT,
        ("dynamodb:Query", "lifetimes"),
        ("dynamodb:PutItem", "lifetimes"),
        ("states:StartExecution", "Workshop"),
        ("states:DescribeExecution", "executions"),
        ("states:StopExecution", "executions"),
    },
    "Renew": set(),
}
READ = ("dynamodb:Query", "rollout#*")
WAKE = ("states:SendTaskSuccess", "Canary")
# A person's word and an alarm do the same: on record, share away, wake.
INTERVENE = {EVENT, APPEND, READ, WAKE, ("dynamodb:Query", "routers"), ("dynamodb:GetItem", "gate#*")}
# The shared observer: who calls it, who subscribes to it.
CALL = {("dynamodb:PutItem", "observer"), ("states:StartExecution", "SharedMachine")}
UNSUBSCRIBE = ("dynamodb:DeleteItem", "subscriptions")
SUBSCRIBE = {UNSUBSCRIBE, ("dynamodb:PutItem", "subscriptions"), ("dynamodb:GetItem", "observer")}
CANARY: dict[str, set[Grant]] = {
    "Begin": CALL
    | {
        EVENT,
        APPEND,
        UNLOCK,
        ("dynamodb:PutItem", "router#*"),
        ("dynamodb:GetItem", "router#*"),
        ("dynamodb:PutItem", "routers"),
        ("dynamodb:Query", "routers"),
        ("dynamodb:UpdateItem", "routers"),
        ("cloudwatch:DescribeAlarms", "*"),
    },
    "Deploy": set(),
    "Observe": SUBSCRIBE
    | {
        READ,
        HOLDER,
        ("dynamodb:GetItem", "left#*"),
        ("cloudwatch:GetMetricData", "*"),
        ("xray:GetServiceGraph", "*"),
        ("xray:GetTimeSeriesServiceStatistics", "*"),
    },
    "Decide": {EVENT, APPEND, READ, ("cloudwatch:PutMetricData", "*")},
    "Shift": {EVENT, APPEND, READ, HOLDER},
    "Verify": SUBSCRIBE | {READ, HOLDER},
    "Gate": {READ, WAKE, ("dynamodb:PutItem", "gate#*"), ("dynamodb:GetItem", "gate#*")},
    "End": {EVENT, APPEND, READ, UNLOCK, SETTLE, UNSUBSCRIBE},
    "Observer": {
        ("dynamodb:PutItem", "observer"),
        ("dynamodb:PutItem", "left#*"),
        ("dynamodb:Query", "subscriptions"),
        ("cloudwatch:GetMetricData", "*"),
        ("cloudwatch:PutMetricData", "*"),
    },
    "Start": {
        EVENT,
        ("dynamodb:GetItem", "templates"),
        ("dynamodb:Query", "templates"),
        ("ssm:GetCalendarState", "calendars"),
        ("states:StartExecution", "Canary"),
        ("states:StartExecution", "Order"),
    },
    "Order": {EVENT, ("dynamodb:PutItem", "rollout#order-*")},
    "Instruct": INTERVENE,
    "Alarm": INTERVENE,
    "Watchdog": CALL
    | {
        EVENT,
        APPEND,
        READ,
        UNLOCK,
        ("dynamodb:GetItem", "router#*"),
        ("dynamodb:Query", "routers"),
        SETTLE,
        ("states:DescribeExecution", "executions"),
    },
    "Notify": {READ, ("sns:Publish", "Notices")},
}
REGISTRAR = {
    "Registrar": LOOK
    | RECORDS
    | INSTANCES
    | on_services("RegisterInstance", "CreateService", "TagResource")
    | {("servicediscovery:UpdateInstanceCustomHealthStatus", "*")},
}


@pytest.mark.parametrize("name", WORKSHOP)
def test_a_function_of_the_workshop_may_do_what_it_does_and_nothing_else(workshop: Template, name: str) -> None:
    """The whole policy is compared: a new permission has to be written down here as well."""
    assert grants(workshop, name) == WORKSHOP[name] | EVERY


@pytest.mark.parametrize("name", CANARY)
def test_a_function_of_the_canary_may_do_what_it_does_and_nothing_else(canary: Template, name: str) -> None:
    """The whole policy is compared: a new permission has to be written down here as well."""
    assert grants(canary, name) == CANARY[name] | EVERY


def test_the_registrar_may_do_what_it_does_and_nothing_else(registrar: Template) -> None:
    """The whole policy is compared: a new permission has to be written down here as well."""
    assert grants(registrar, "Registrar") == REGISTRAR["Registrar"] | EVERY


def test_no_function_is_left_out_here(workshop: Template, canary: Template, registrar: Template) -> None:
    """A function that this file does not know has a policy that nobody looked at."""
    for template, known in ((workshop, WORKSHOP), (canary, CANARY), (registrar, REGISTRAR)):
        names = {name.partition("Function")[0] for name in of_type(template, "AWS::Lambda::Function")}
        assert names == set(known)


def test_no_two_functions_share_a_role(workshop: Template, canary: Template) -> None:
    """One role a function."""
    for template in (workshop, canary):
        roles = [each["Role"]["Fn::GetAtt"][0] for each in of_type(template, "AWS::Lambda::Function").values()]
        assert len(roles) == len(set(roles))


def test_all_functions_run_one_asset(workshop: Template, canary: Template) -> None:
    """Every function of both stacks has the same code, but for those that make certificates."""
    by_code: dict[str, set[str]] = {}
    for template in (workshop, canary):
        for name, each in of_type(template, "AWS::Lambda::Function").items():
            by_code.setdefault(each["Code"]["S3Key"], set()).add(name.partition("Function")[0])

    assert len(by_code) == 2
    assert {"StageMtls", "Renew"} in by_code.values()


def test_names_are_the_only_records_that_may_be_changed(workshop: Template) -> None:
    """Whoever changes the zone may write CNAMEs, not its NS or SOA."""
    statements = [
        statement
        for policy in of_type(workshop, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if "route53:ChangeResourceRecordSets" in statement["Action"] and "ZoneA" in str(statement["Resource"])
    ]

    assert len(statements) == len({"baseline", "discovery", "clean"})
    for statement in statements:
        conditions = statement["Condition"]["ForAllValues:StringEquals"]
        assert conditions == {"route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"]}


def test_who_may_start_a_rollout(workshop: Template, canary: Template) -> None:
    """The machines of workshops and of orders, the canary's own for its next part, and the function Start."""

    def starters(template: Template) -> set[str]:
        return {
            each["Roles"][0]["Ref"].partition("Role")[0]
            for each in of_type(template, "AWS::IAM::Policy").values()
            for statement in each["PolicyDocument"]["Statement"]
            if "states:StartExecution" in statement["Action"] and "Canary" in str(statement["Resource"])
        }

    assert starters(workshop) == {"WorkshopMachine"}
    assert starters(canary) == {"CanaryMachine", "StartsOrderMachine", "Start"}


def test_controllers_metrics_go_into_their_own_namespace(canary: Template) -> None:
    """PutMetricData knows no resources, and so is kept to one namespace by condition."""
    statements = [
        each
        for policy in of_type(canary, "AWS::IAM::Policy").values()
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == "cloudwatch:PutMetricData"
    ]

    assert [each["Condition"] for each in statements] == [
        {"StringEquals": {"cloudwatch:namespace": "Canario/Controller"}}
    ] * len({"Decide", "Observer"})


def test_a_stages_function_knows_its_stage(workshop: Template) -> None:
    """The same handler is every stage; the environment says which."""
    for stage in STAGES:
        found = function(workshop, f"Stage{stage.capitalize()}")

        assert (found["Handler"], found["Environment"]["Variables"]["CANARIO_STAGE"]) == (
            "lambdas.stage.handler",
            stage,
        )
