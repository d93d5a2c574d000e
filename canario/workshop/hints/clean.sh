kubectl -n {{namespace}} delete gatewayroutes,virtualgateways,virtualservices,virtualrouters,virtualnodes --all
kubectl delete mesh {{mesh}}
kubectl delete namespace {{namespace}}

zone=$(aws route53 list-hosted-zones-by-name --dns-name appmeshworkshop.hosted.local \
  --query 'HostedZones[0].Id' --output text)
for service in nodejs crystal frontend; do
  record=$(aws route53 list-resource-record-sets --hosted-zone-id "$zone" --output json \
    --query "ResourceRecordSets[?Name=='$service.{{domain}}.'] | [0]")
  aws route53 change-resource-record-sets --hosted-zone-id "$zone" \
    --change-batch '{"Changes": [{"Action": "DELETE", "ResourceRecordSet": '"$record"'}]}'
done

# The controller is every workshop's: it goes with the last one.
if [ -z "$(kubectl get namespaces -l canario/workshop -o name)" ]; then
  kubectl delete namespace appmesh-system
  kubectl delete clusterrolebinding,clusterrole,mutatingwebhookconfiguration -l app.kubernetes.io/name=appmesh-controller
  kubectl get crds -o name | grep appmesh.k8s.aws | xargs kubectl delete
fi
