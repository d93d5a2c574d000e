# Where the images are: repositories canario/frontend, canario/nodejs, canario/nodejs-v2 and canario/crystal.
uri=$(aws ecr describe-repositories --repository-names canario/nodejs --query 'repositories[0].repositoryUri' \
  --output text)
registry=${uri%/canario/nodejs}
# A tag is never pushed twice: the newest is the one to run.
tag=$(aws ecr describe-images --repository-name canario/nodejs \
  --query 'sort_by(imageDetails, &imagePushedAt)[-1].imageTags[0]' --output text)

kubectl apply -f - <<EOF
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nodejsv2-app
  namespace: {{namespace}}
  labels:
    app: nodejsv2-app
spec:
  replicas: 3
  selector:
    matchLabels:
      app: nodejsv2-app
  template:
    metadata:
      labels:
        app: nodejsv2-app
    spec:
      containers:
        - name: nodejsv2-app
          image: $registry/canario/nodejs-v2:$tag
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
  name: nodejsv2-app-service
  namespace: {{namespace}}
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: external
    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip
    service.beta.kubernetes.io/aws-load-balancer-scheme: internal
spec:
  type: LoadBalancer
  selector:
    app: nodejsv2-app
  ports:
    - name: http
      port: 3000
      targetPort: 3000
EOF
kubectl -n {{namespace}} wait service/nodejsv2-app-service --timeout=300s \
  --for=jsonpath='{.status.loadBalancer.ingress[0].hostname}'
balancer=$(kubectl -n {{namespace}} get service nodejsv2-app-service \
  -o jsonpath='{.status.loadBalancer.ingress[0].hostname}')

kubectl apply -f - <<EOF
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata:
  name: nodejsv2-app
  namespace: {{namespace}}
spec:
  podSelector:
    matchLabels:
      app: nodejsv2-app
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
  name: nodejs-router
  namespace: {{namespace}}
spec:
  listeners:
    - portMapping:
        port: 3000
        protocol: http
  routes:
    - name: route-to-nodejs-app
      httpRoute:
        match:
          prefix: /
        action:
          weightedTargets:
            - virtualNodeRef:
                name: nodejs-app
              weight: 100
            - virtualNodeRef:
                name: nodejsv2-app
              weight: 0   # the rollout raises it
EOF
kubectl -n {{namespace}} rollout status deployment nodejsv2-app
