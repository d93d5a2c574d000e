kubectl -n {{namespace}} delete gatewayroutes,virtualgateways,virtualservices,virtualrouters,virtualnodes --all
kubectl delete mesh {{mesh}}
{{part clean.names}}

# The controller is every workshop's: it goes with the last one.
if [ -z "$(kubectl get namespaces -l canario/workshop -o name)" ]; then
  kubectl delete namespace appmesh-system
  kubectl delete clusterrolebinding,clusterrole,mutatingwebhookconfiguration -l app.kubernetes.io/name=appmesh-controller
  kubectl get crds -o name | grep appmesh.k8s.aws | xargs kubectl delete
fi
