"""Where the stacks are: their outputs, by name."""

import boto3

from canario.adapters import aws
from canario.errors import RemoteError

OUTPUTS = ("WorkshopMachineArn", "TableName")


def outputs(session: boto3.Session) -> dict[str, str]:
    """The stacks' outputs by name. Raises RemoteError when the stacks are not deployed."""
    found: dict[str, str] = {}
    with aws.doing("looking for the stacks' outputs"):
        pages = aws.client(session, "cloudformation").get_paginator("describe_stacks").paginate()
        for page in pages:
            for stack in page["Stacks"]:
                found |= {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    missing = [name for name in OUTPUTS if name not in found]
    if missing:
        raise RemoteError(
            f"no stack in {session.region_name} has the output {missing[0]}. "
            "What to do: cdk deploy --all, or name another region"
        )
    return found
