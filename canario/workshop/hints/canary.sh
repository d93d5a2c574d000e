{{part canary.node}}
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
