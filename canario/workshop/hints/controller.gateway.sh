# Istio comes with the cluster: nothing is installed here. Look at its control plane, its class, its kinds:
kubectl -n istio-system rollout status deployment istiod
kubectl get gatewayclass istio
kubectl get crds | grep -E 'gateway.networking.k8s.io|istio.io'
