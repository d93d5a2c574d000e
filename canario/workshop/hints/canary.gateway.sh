{{part canary.node}}
apiVersion: v1
kind: Service
metadata:
  name: nodejsv2-app
  namespace: {{namespace}}
  labels:
    canario/workshop: {{workshop}}
  annotations:
    canario/cloud-map: nodejsv2{{suffix}}.appmesh.pvt.local
spec:
  selector:
    app: nodejsv2-app
  ports:
    - name: http-3000
      port: 3000
      appProtocol: http
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: nodejs-router
  namespace: {{namespace}}
spec:
  parentRefs:
    - group: ""
      kind: Service
      name: nodejs
    - group: networking.istio.io
      kind: ServiceEntry
      name: nodejs
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /
      backendRefs:
        - group: ""
          kind: Service
          name: nodejs-app
          port: 3000
          weight: 1000000
        - group: ""
          kind: Service
          name: nodejsv2-app
          port: 3000
          weight: 0   # the rollout raises it
EOF
kubectl -n {{namespace}} rollout status deployment nodejsv2-app
