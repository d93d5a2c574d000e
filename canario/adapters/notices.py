"""Notices for people, on an SNS topic."""

from typing import Any

from canario.adapters import aws

LONGEST_SUBJECT = 100


class Topic:
    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn

    def publish(self, subject: str, message: str) -> None:
        """Raises RemoteError."""
        with aws.doing(f"publishing a notice to {self._arn.rpartition(':')[2]}"):
            self._client.publish(TopicArn=self._arn, Subject=subject[:LONGEST_SUBJECT], Message=message)
