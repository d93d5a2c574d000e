"""MiniStack, started with five of its gaps closed: `python -m lab.ministack`, settings in the environment.

- It calls every error of a Python handler `Runtime.HandlerError` and ends the worker that raised it. Lambda names the
  exception's class, which is what a state machine's Retry and Catch go by, and keeps the worker. Here the worker hands
  the error over as an answer, and the answer is turned into the error that Lambda would report.
- A worker that died is `Runtime.ExitError`, as on Lambda.
- A task that waits for its token fails when its function does, and without a heartbeat (lab/callbacks.py).
- A second Cloud Map service of the same name in a namespace is refused, as AWS does it: of two registrars that make it
  at the same moment one is told that it is there.
- A hosted zone that CloudFormation makes with a VPC is private, as one is that the API makes.

Decision records 0005 and 0020 have the reasons. The patches are for the version in requirements.txt and refuse another
one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, route53, servicediscovery, stepfunctions
from ministack.services.cloudformation import provisioners

from lab.callbacks import waiting

MARK = "_lab_handler_error"
DIED = "Worker process died"
ZONE = "AWS::Route53::HostedZone"

_REPORTED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_ERROR = '{"errorMessage": str(e), "errorType": type(e).__name__, "stackTrace": traceback.format_exc().splitlines()}'
_HANDED_OVER = f'{{"status": "ok", "result": {{"{MARK}": {_ERROR}}}}}'

Execute = Callable[[dict[str, Any], Any, str], dict[str, Any]]
Answer = tuple[int, dict[str, str], bytes]
Create = Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]


def close_gaps() -> None:
    """Patch the pinned MiniStack; end the process with one line when it is another one."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_REPORTED) != 1:
        sys.exit("canario: this MiniStack reports handlers' errors in another way; install the one in requirements.txt")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_REPORTED, _HANDED_OVER)
    lambda_svc._execute_function_warm = named_as_lambda_does(lambda_svc._execute_function_warm)
    stepfunctions._invoke_with_callback = waiting(stepfunctions)
    servicediscovery._create_service = once_a_name(servicediscovery._create_service, servicediscovery._services)
    zones = provisioners._RESOURCE_HANDLERS[ZONE]
    zones["create"] = private_with_a_vpc(zones["create"])


def named_as_lambda_does(execute: Execute) -> Execute:
    def run(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        answer = execute(func, event, request_id)
        body = answer.get("body")
        if isinstance(body, dict) and set(body) == {MARK}:
            return {"body": body[MARK], "error": True, "log": answer.get("log", "")}
        if answer.get("error") and isinstance(body, dict) and body.get("errorMessage") == DIED:
            return {**answer, "body": {**body, "errorType": "Runtime.ExitError"}}
        return answer

    return run


def once_a_name(
    create: Callable[[dict[str, Any]], Answer], there: Mapping[str, dict[str, Any]]
) -> Callable[[dict[str, Any]], Answer]:
    def run(data: dict[str, Any]) -> Answer:
        wanted = (data.get("NamespaceId"), data.get("Name"))
        for service in there.values():
            if (service["NamespaceId"], service["Name"]) == wanted:
                text = f"Service already exists, ID: {service['Id']}"
                return error_response_json("ServiceAlreadyExists", text, 400)
        return create(data)

    return run


def private_with_a_vpc(create: Create) -> Create:
    def run(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        zone_id, attributes = create(logical_id, properties, stack)
        vpcs = properties.get("VPCs") or []
        route53._zones[zone_id] |= {"private": bool(vpcs), "vpcs": vpcs}
        return zone_id, attributes

    return run


if __name__ == "__main__":
    close_gaps()
    app.main()
