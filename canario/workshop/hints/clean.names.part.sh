kubectl delete namespace {{namespace}}

zone=$(aws route53 list-hosted-zones-by-name --dns-name appmeshworkshop.hosted.local \
  --query 'HostedZones[0].Id' --output text)
for service in nodejs crystal frontend; do
  record=$(aws route53 list-resource-record-sets --hosted-zone-id "$zone" --output json \
    --query "ResourceRecordSets[?Name=='$service.{{domain}}.'] | [0]")
  aws route53 change-resource-record-sets --hosted-zone-id "$zone" \
    --change-batch '{"Changes": [{"Action": "DELETE", "ResourceRecordSet": '"$record"'}]}'
done
