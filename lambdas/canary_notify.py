"""Tells people, on the topic, how rollouts end, when one needs them, which of the installation's alarms went off."""

from collections.abc import Mapping
from typing import Any

from canario.canary.notices import alarm_notice, notice
from lambdas.composition import composition
from lambdas.telemetry import about, logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: object) -> None:
    """One of the bus's own events, or CloudWatch's of an alarm."""
    made, detail = composition(), event["detail"]
    if event["source"] == "aws.cloudwatch":
        subject, message = alarm_notice(detail)
    else:
        about(workshop=str(detail.get("workshop")), rollout=str(detail.get("rollout")))
        subject, message = notice(event["detail-type"], detail, made.rollouts.entries(str(detail.get("rollout"))))
    made.topic.publish(subject, message)
    logger.info("people told", subject=subject)
