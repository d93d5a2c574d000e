helm upgrade -i appmesh-controller eks/appmesh-controller \
  --namespace appmesh-system \
  --set region=us-west-1 \
  --set serviceAccount.name=appmesh-controller \
  --set tracing.enabled=true \
  --set tracing.provider=x-ray
kubectl -n appmesh-system rollout status deployment appmesh-controller

for service in nodejs crystal frontend; do kubectl -n {{namespace}} rollout restart deployment $service-app; done
for service in nodejs crystal frontend; do kubectl -n {{namespace}} rollout status deployment $service-app; done
kubectl -n {{namespace}} get pods -o jsonpath='{range .items[*]}{.metadata.name}: {.spec.containers[*].name}{"\n"}{end}'
