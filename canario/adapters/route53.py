"""The workshops' private zone, on Route 53."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from canario.adapters import aws

TTL_SECONDS = 5  # a workshop moves its names while people watch


class PrivateZone:
    def __init__(self, client: Any, zone_id: str) -> None:
        self._client, self._zone = client, zone_id

    def upsert(self, name: str, target: str) -> None:
        """Make `name` a CNAME of `target`. Raises RemoteError, also when `name` is not in the zone."""
        record = {
            "Name": name,
            "Type": "CNAME",
            "TTL": TTL_SECONDS,
            "ResourceRecords": [{"Value": target}],
        }
        with aws.doing(f"pointing {name} to {target} in the zone {self._zone}"):
            self._change("UPSERT", record)

    def delete(self, name: str) -> None:
        """Harmless when it is not there."""
        with aws.doing(f"deleting the record {name} in the zone {self._zone}"):
            for record in self._cnames():
                if record["Name"].rstrip(".") == name.rstrip(".").lower():
                    self._delete(record)

    def records(self) -> Mapping[str, str]:
        """name → target of every CNAME in the zone, without trailing dots."""
        with aws.doing(f"listing the records of the zone {self._zone}"):
            return {
                record["Name"].rstrip("."): record["ResourceRecords"][0]["Value"].rstrip(".")
                for record in self._cnames()
            }

    def _cnames(self) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self._zone)
        # An alias has no ResourceRecords; it is nobody's CNAME of ours.
        return [
            record
            for page in pages
            for record in page["ResourceRecordSets"]
            if record["Type"] == "CNAME" and record.get("ResourceRecords")
        ]

    def _delete(self, record: dict[str, Any]) -> None:
        try:
            self._change("DELETE", record)
        except ClientError as error:
            # Gone since it was listed (or by a first try whose answer was lost): nothing left to delete.
            if aws.code(error) != "InvalidChangeBatch" or "not found" not in str(error):
                raise

    def _change(self, action: str, record: dict[str, Any]) -> None:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        self._client.change_resource_record_sets(HostedZoneId=self._zone, ChangeBatch=batch)
