"""Stands in for one function of the stacks: notes that it was called, and does what the payload's script says.

The script travels in the payload: {"ledger": file, "steps": {"Check mesh": [what each call does, the last one stays]}}.
A call does {"error": "NotReady"}, {"kill": true}, {"return": {…}}, or {"set": {…}} upon what was carried.
"""

import json
import os
import signal

NAME = os.environ["STANDIN"]


def handler(event, context):
    script, name = find_script(event), f"{event['action']} {NAME}".strip() if "action" in event else NAME
    does = behaviour(script, name, called_before(script, name))
    with open(script["ledger"], "a") as ledger:
        ledger.write(json.dumps({"name": name, "event": event}) + "\n")
    if does.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if "error" in does:
        raise type(does["error"], (Exception,), {})(does.get("message", f"{name}: scripted"))
    return does["return"] if "return" in does else {**by_default(event), **does.get("set", {})}


def find_script(event):
    if isinstance(event, dict):
        if "ledger" in event:
            return event
        return next((found for value in event.values() if (found := find_script(value))), None)
    return None


def called_before(script, name):
    if not os.path.exists(script["ledger"]):
        return 0
    with open(script["ledger"]) as ledger:
        return sum(json.loads(line)["name"] == name for line in ledger)


def behaviour(script, name, call):
    calls = script.get("steps", {}).get(name, [{}])
    return calls[min(call, len(calls) - 1)]


def by_default(event):
    if "carried" in event:
        return event["carried"]
    if event.get("action") in ("solve", "check"):
        plan = {"script": event["request"]["script"]}
        return {"status": "running", "outputs": {"target": {}, "plan": plan}}
    if "failure" in event:
        return {
            "error": event["failure"]["error"],
            "cause": f"{event['failure']['stage']}: {event['failure']['cause']}",
        }
    if "done" in event:  # an order's next
        return {"done": event["done"]}
    if "execution" in event:  # a rollout's begin
        carried = {"wait": "2026-01-01T00:00:00Z", "observations": [], "asked": 0.0}
        return {**carried, "script": event["input"]["plan"]["script"]}
    return event.get("input") or {"status": "succeeded", "run": event.get("run")}
