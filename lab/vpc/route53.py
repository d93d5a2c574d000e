"""The private zones' records, through Route 53's API."""

from typing import Any

from lab.vpc.names import normal

_ANSWERS = ("A", "CNAME")


def records(route53: Any) -> dict[str, tuple[str, ...]]:
    """Every A and CNAME record (aliases too) of every private zone, as `names.Records`.

    Raises botocore's errors.
    """
    zones = [
        zone
        for page in route53.get_paginator("list_hosted_zones").paginate()
        for zone in page["HostedZones"]
        if zone.get("Config", {}).get("PrivateZone")
    ]
    found: dict[str, tuple[str, ...]] = {}
    for zone in zones:
        for page in route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone["Id"]):
            found |= {
                normal(record["Name"]): targets
                for record in page["ResourceRecordSets"]
                if record["Type"] in _ANSWERS and (targets := _targets(record))
            }
    return found


def _targets(record: dict[str, Any]) -> tuple[str, ...]:
    if alias := record.get("AliasTarget"):
        return (normal(alias["DNSName"]),)
    return tuple(normal(value["Value"]) for value in record.get("ResourceRecords", []))
