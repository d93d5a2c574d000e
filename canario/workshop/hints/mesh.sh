kubectl label namespace {{namespace}} mesh={{mesh}}
kubectl label namespace {{namespace}} appmesh.k8s.aws/sidecarInjectorWebhook=enabled

kubectl apply -f - <<EOF
apiVersion: appmesh.k8s.aws/v1beta2
kind: Mesh
metadata:
  name: {{mesh}}
  labels:
    canario/workshop: {{workshop}}
spec:
  namespaceSelector:
    matchLabels:
      mesh: {{mesh}}
EOF

for service in nodejs crystal frontend; do
  balancer=$(kubectl -n {{namespace}} get service $service-app-service \
    -o jsonpath='{.status.loadBalancer.ingress[0].hostname}')
  kubectl apply -f - <<EOF
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata:
  name: $service-app
  namespace: {{namespace}}
spec:
  podSelector:
    matchLabels:
      app: $service-app
  listeners:
    - portMapping:
        port: 3000
        protocol: http
  serviceDiscovery:
    dns:
      hostname: $balancer
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualRouter
metadata:
  name: $service-router
  namespace: {{namespace}}
spec:
  listeners:
    - portMapping:
        port: 3000
        protocol: http
  routes:
    - name: route-to-$service-app
      httpRoute:
        match:
          prefix: /
        action:
          weightedTargets:
            - virtualNodeRef:
                name: $service-app
              weight: 1
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualService
metadata:
  name: $service
  namespace: {{namespace}}
spec:
  awsName: $service.{{domain}}
  provider:
    virtualRouter:
      virtualRouterRef:
        name: $service-router
EOF
done

# The frontend is the one that calls: its Envoy has to know whom.
kubectl -n {{namespace}} patch virtualnode frontend-app --type merge -p '{"spec": {"backends": [
  {"virtualService": {"virtualServiceRef": {"name": "nodejs"}}},
  {"virtualService": {"virtualServiceRef": {"name": "crystal"}}}]}}'

# Only a pod that starts from now on gets an envoy container.
for service in nodejs crystal frontend; do kubectl -n {{namespace}} rollout restart deployment $service-app; done
for service in nodejs crystal frontend; do kubectl -n {{namespace}} rollout status deployment $service-app; done
