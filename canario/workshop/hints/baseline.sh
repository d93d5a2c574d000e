# Where the images are: repositories canario/frontend, canario/nodejs, canario/nodejs-v2 and canario/crystal.
uri=$(aws ecr describe-repositories --repository-names canario/nodejs --query 'repositories[0].repositoryUri' \
  --output text)
registry=${uri%/canario/nodejs}
# A tag is never pushed twice: the newest is the one to run.
tag=$(aws ecr describe-images --repository-name canario/nodejs \
  --query 'sort_by(imageDetails, &imagePushedAt)[-1].imageTags[0]' --output text)

kubectl create namespace {{namespace}}
kubectl label namespace {{namespace}} canario/workshop={{workshop}}

# $1 the service, $2 its replicas, $3 the port of its load balancer, $4 internal or internet-facing
service() {
  kubectl apply -f - <<EOF
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $1-app
  namespace: {{namespace}}
  labels:
    app: $1-app
spec:
  replicas: $2
  selector:
    matchLabels:
      app: $1-app
  template:
    metadata:
      labels:
        app: $1-app
    spec:
      containers:
        - name: $1-app
          image: $registry/canario/$1:$tag
          env:
            - name: HEALTH_PORT
              value: "3001"
          ports:
            - containerPort: 3000
            - containerPort: 3001
              name: health
          readinessProbe:
            httpGet:
              path: /health
              port: 3001
            periodSeconds: 1
---
apiVersion: v1
kind: Service
metadata:
  name: $1-app-service
  namespace: {{namespace}}
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: external
    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip
    service.beta.kubernetes.io/aws-load-balancer-scheme: $4
spec:
  type: LoadBalancer
  selector:
    app: $1-app
  ports:
    - name: http
      port: $3
      targetPort: 3000
EOF
}
service nodejs 3 3000 internal
service crystal 2 3000 internal
service frontend 2 80 internet-facing

# The frontend is the one that calls the others.
kubectl -n {{namespace}} set env deployment/frontend-app \
  UPSTREAMS=nodejs=http://nodejs.{{domain}}:3000/,crystal=http://crystal.{{domain}}:3000/

# Each service's name in Route 53 leads to its load balancer.
zone=$(aws route53 list-hosted-zones-by-name --dns-name appmeshworkshop.hosted.local \
  --query 'HostedZones[0].Id' --output text)
for service in nodejs crystal frontend; do
  kubectl -n {{namespace}} wait service/$service-app-service --timeout=300s \
    --for=jsonpath='{.status.loadBalancer.ingress[0].hostname}'
  balancer=$(kubectl -n {{namespace}} get service $service-app-service \
    -o jsonpath='{.status.loadBalancer.ingress[0].hostname}')
  aws route53 change-resource-record-sets --hosted-zone-id "$zone" --change-batch '{"Changes": [{"Action": "UPSERT",
    "ResourceRecordSet": {"Name": "'$service'.{{domain}}", "Type": "CNAME", "TTL": 5,
    "ResourceRecords": [{"Value": "'$balancer'"}]}}]}'
done
kubectl -n {{namespace}} rollout status deployment nodejs-app
