# The namespace is every workshop's; it may be there already.
aws servicediscovery list-namespaces --query "Namespaces[?Name=='appmesh.pvt.local'].Id" --output text

for service in nodejs crystal; do
  kubectl -n {{namespace}} patch virtualnode $service-app --type merge -p '{"spec": {"serviceDiscovery":
    {"dns": null, "awsCloudMap": {"namespaceName": "appmesh.pvt.local", "serviceName": "'$service'{{suffix}}"}}}}'
done

{{part discovery.moved}}
