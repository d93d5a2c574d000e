"""How long logs are kept, as the CDK names it."""

from aws_cdk import aws_logs as logs

from stacks.settings import LOG_RETENTION_DAYS

# Both in the order of time; the enumeration ends with INFINITE, which no setting names.
RETENTION = dict(zip(LOG_RETENTION_DAYS, logs.RetentionDays, strict=False))
