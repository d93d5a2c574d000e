"""Reading templates: roles of functions, statements of roles, definitions of machines."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
Grant = tuple[str, str]  # an action, and the resource or the keys that it is allowed on


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """Logical id → properties."""
    return {name: each.get("Properties", {}) for name, each in template["Resources"].items() if each["Type"] == kind}


def function(template: Template, construct: str) -> Mapping[str, Any]:
    """The properties of the function made by that construct, `StageMesh` for example."""
    found = of_type(template, "AWS::Lambda::Function")
    return next(each for name, each in found.items() if name.partition("Function")[0] == construct)


def grants(template: Template, construct: str) -> set[Grant]:
    """What the function's role may do: (action, on what). On tables, the keys' pattern is the what."""
    role = function(template, construct)["Role"]["Fn::GetAtt"][0]
    assert "ManagedPolicyArns" not in template["Resources"][role]["Properties"]
    policies = of_type(template, "AWS::IAM::Policy").values()
    mine = [each for each in policies if {"Ref": role} in each["Roles"]]
    return {grant for policy in mine for each in policy["PolicyDocument"]["Statement"] for grant in _grants(each)}


def _grants(statement: Mapping[str, Any]) -> Iterator[Grant]:
    if statement["Effect"] == "Deny":
        return
    actions, resources = (_list(statement[key]) for key in ("Action", "Resource"))
    keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    for action in actions:
        for on in _list(keys) if keys else [_name(each) for each in resources]:
            yield action, on


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    """What a resource is, in a word: the reference's target without its hash."""
    text = json.dumps(resource)
    if ":service/*" in text:
        return "services"
    if ":document/*" in text:
        return "calendars"
    if ":execution:" in text:
        return "executions"
    kinds = (
        "Logs",
        "Namespace",
        "ZoneA",
        "Bus",
        "Table",
        "frontend",
        "nodejsv2",
        "nodejs",
        "crystal",
        "Order",
        "Notices",
        "SharedMachine",
        "Canary",
        "Workshop",
    )
    for name in kinds:
        if name in text:
            return name.removesuffix("A")
    return text.strip('"')


def machines(template: Template) -> dict[str, Any]:
    """The machine's construct, `CanaryMachine` for example → its properties."""
    found = of_type(template, "AWS::StepFunctions::StateMachine")
    return {name[:-8]: machine for name, machine in found.items()}


def definition(template: Template, construct: str = "") -> dict[str, Any]:
    """A machine's definition, the only one's by default, with references replaced by the ids of what they point at."""
    found = machines(template)
    machine = found[construct] if construct else next(iter(found.values()))
    parts = machine["DefinitionString"]["Fn::Join"][1]
    found: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else _target(part) for part in parts))
    return found


def _target(reference: Mapping[str, Any]) -> str:
    if "Fn::GetAtt" in reference:
        return f"arn:aws:lambda:us-west-1:000000000000:function:{reference['Fn::GetAtt'][0]}"
    return {"AWS::Partition": "aws"}.get(
        str(reference.get("Ref")), "arn:aws:states:us-west-1:000000000000:stateMachine:x"
    )
