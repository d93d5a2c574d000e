kubectl label namespace {{namespace}} istio-injection=enabled

# Whoever is in the mesh calls what the mesh knows, and nothing else; the frontend also says whom it calls.
kubectl apply -f - <<EOF
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: default
  namespace: {{namespace}}
spec:
  outboundTrafficPolicy:
    mode: REGISTRY_ONLY
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: frontend-app
  namespace: {{namespace}}
spec:
  workloadSelector:
    labels:
      app: frontend-app
  egress:
    - hosts:
        - {{namespace}}/nodejs.{{domain}}
        - {{namespace}}/crystal.{{domain}}
        - {{namespace}}/nodejs-app.{{namespace}}.svc.cluster.local
        - {{namespace}}/crystal-app.{{namespace}}.svc.cluster.local
        - istio-system/*
  outboundTrafficPolicy:
    mode: REGISTRY_ONLY
EOF

# For each service: the node (a Service that selects its pods), the name that clients call (a Service without pods, and
# a ServiceEntry for its name in Route 53), and the router between them.
for service in nodejs crystal frontend; do
  kubectl apply -f - <<EOF
apiVersion: v1
kind: Service
metadata:
  name: $service-app
  namespace: {{namespace}}
  labels:
    canario/workshop: {{workshop}}
spec:
  selector:
    app: $service-app
  ports:
    - name: http-3000
      port: 3000
      appProtocol: http
---
apiVersion: v1
kind: Service
metadata:
  name: $service
  namespace: {{namespace}}
  labels:
    canario/workshop: {{workshop}}
spec:
  ports:
    - name: http-3000
      port: 3000
      appProtocol: http
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: $service
  namespace: {{namespace}}
spec:
  hosts:
    - $service.{{domain}}
  location: MESH_INTERNAL
  resolution: DNS
  ports:
    - name: http-3000
      number: 3000
      protocol: HTTP
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: $service-router
  namespace: {{namespace}}
spec:
  parentRefs:
    - group: ""
      kind: Service
      name: $service
    - group: networking.istio.io
      kind: ServiceEntry
      name: $service
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /
      backendRefs:
        - group: ""
          kind: Service
          name: $service-app
          port: 3000
          weight: 1
EOF
done

# Only a pod that starts from now on gets an istio-proxy container.
for service in nodejs crystal frontend; do kubectl -n {{namespace}} rollout restart deployment $service-app; done
for service in nodejs crystal frontend; do kubectl -n {{namespace}} rollout status deployment $service-app; done
