kubectl -n {{namespace}} rollout status deployment ingress-gw

# From a machine in the VPC. The lab's load balancers have an address too, for their names exist in its VPC only.
balancer=$(kubectl -n {{namespace}} get service ingress-gw -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
if [ -z "$balancer" ]; then
  balancer=$(kubectl -n {{namespace}} get service ingress-gw -o jsonpath='{.status.loadBalancer.ingress[0].hostname}')
fi
curl --fail --retry 20 --retry-delay 1 --retry-all-errors "http://$balancer/eks/"
