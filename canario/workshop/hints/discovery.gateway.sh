# The namespace is every workshop's; it may be there already.
aws servicediscovery list-namespaces --query "Namespaces[?Name=='appmesh.pvt.local'].Id" --output text

# The nodes' Services say where their pods are registered. The mesh itself goes on finding the pods by the Services.
for service in nodejs crystal; do
  kubectl -n {{namespace}} annotate service $service-app canario/cloud-map=$service{{suffix}}.appmesh.pvt.local
done

{{part discovery.moved}}
