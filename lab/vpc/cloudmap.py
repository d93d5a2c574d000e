"""The names of Cloud Map's DNS namespaces, through its API.

AWS writes them into the namespace's private zone; MiniStack keeps the zone empty, so the VPC reads Cloud Map itself.
"""

from typing import Any

from lab.vpc.names import normal

ADDRESS = "AWS_INSTANCE_IPV4"
_DNS = ("DNS_PRIVATE", "DNS_PUBLIC")


def records(cloud_map: Any) -> dict[str, tuple[str, ...]]:
    """Every service of every DNS namespace that has instances: name → their addresses, as `names.Records`.

    The healthy ones; all of them when none is healthy, as Route 53 answers. Raises botocore's errors.
    """
    namespaces = {
        each["Id"]: each["Name"]
        for page in cloud_map.get_paginator("list_namespaces").paginate()
        for each in page["Namespaces"]
        if each["Type"] in _DNS
    }
    found: dict[str, tuple[str, ...]] = {}
    for namespace_id, namespace in namespaces.items():
        for service in _services(cloud_map, namespace_id):
            if addresses := _addresses(cloud_map, namespace, service):
                found[normal(f"{service}.{namespace}")] = addresses
    return found


def _services(cloud_map: Any, namespace_id: str) -> list[str]:
    """Those with DNS. Where the filter is not applied, a namespace's services show in every one; they have no
    instances there.
    """
    mine = [{"Name": "NAMESPACE_ID", "Values": [namespace_id], "Condition": "EQ"}]
    pages = cloud_map.get_paginator("list_services").paginate(Filters=mine)
    return [each["Name"] for page in pages for each in page["Services"] if each.get("DnsConfig")]


def _addresses(cloud_map: Any, namespace: str, service: str) -> tuple[str, ...]:
    try:
        instances = cloud_map.discover_instances(NamespaceName=namespace, ServiceName=service, HealthStatus="ALL")
    except cloud_map.exceptions.ServiceNotFound:
        return ()
    found = [each for each in instances["Instances"] if ADDRESS in each.get("Attributes", {})]
    healthy = [each for each in found if each.get("HealthStatus") == "HEALTHY"]
    return tuple(sorted(each["Attributes"][ADDRESS] for each in healthy or found))
