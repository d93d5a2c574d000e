"""A schedule of the settings as the CDK has it."""

from typing import Any

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler

from stacks.schedules import Schedule


def times(each: Schedule) -> dict[str, Any]:
    """The keywords of scheduler.Schedule that say when."""
    flexible = each.flexible_minutes
    return {
        "schedule": scheduler.ScheduleExpression.expression(each.expression, TimeZone.of(each.time_zone)),
        "time_window": (
            scheduler.TimeWindow.flexible(Duration.minutes(flexible)) if flexible else scheduler.TimeWindow.off()
        ),
    }
