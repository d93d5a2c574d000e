# The same IPs on both sides?
kubectl -n {{namespace}} get pods -l app=nodejs-app -o wide
for second in $(seq 60); do
  found=$(aws servicediscovery discover-instances --namespace-name appmesh.pvt.local --service-name nodejs{{suffix}} \
    --query 'Instances[].Attributes.AWS_INSTANCE_IPV4' --output text) && [ -n "$found" ] && break
  sleep 1
done
echo "$found"

# The names lead to Cloud Map instead of the load balancers.
zone=$(aws route53 list-hosted-zones-by-name --dns-name appmeshworkshop.hosted.local \
  --query 'HostedZones[0].Id' --output text)
for service in nodejs crystal; do
  aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch '{"Changes": [{"Action": "UPSERT",
    "ResourceRecordSet": {"Name": "'$service'.{{domain}}", "Type": "CNAME", "TTL": 5,
    "ResourceRecords": [{"Value": "'$service'{{suffix}}.appmesh.pvt.local"}]}}]}'
done
kubectl -n {{namespace}} scale deployment nodejs-app --replicas=4

# Once no client remembers the old names (their TTL is 5 seconds), nobody uses the internal load balancers.
sleep 10
kubectl -n {{namespace}} delete service nodejs-app-service crystal-app-service
