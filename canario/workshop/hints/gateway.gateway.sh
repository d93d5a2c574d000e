kubectl label namespace {{namespace}} gateway=ingress-gw

kubectl apply -f - <<EOF
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: ingress-gw
  namespace: {{namespace}}
spec:
  gatewayClassName: istio
  infrastructure:
    labels:
      app: ingress-gw
  addresses:   # with an address Istio makes no pods of its own: the ones behind this Service are the gateway's
    - type: Hostname
      value: ingress-gw.{{namespace}}.svc.cluster.local
  listeners:
    - name: http-8088
      port: 8088
      protocol: HTTP
      allowedRoutes:
        namespaces:
          from: Selector
          selector:
            matchLabels:
              gateway: ingress-gw
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: gateway-route-eks
  namespace: {{namespace}}
spec:
  parentRefs:
    - group: gateway.networking.k8s.io
      kind: Gateway
      name: ingress-gw
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /eks/
      filters:
        - type: URLRewrite
          urlRewrite:
            hostname: nodejs.{{domain}}
            path:
              type: ReplacePrefixMatch
              replacePrefixMatch: /
      backendRefs:
        - group: ""
          kind: Service
          name: nodejs-app
          port: 3000
          weight: 1
---
apiVersion: v1
kind: Service
metadata:
  name: ingress-gw
  namespace: {{namespace}}
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: external
    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip
    service.beta.kubernetes.io/aws-load-balancer-scheme: internal
spec:
  type: LoadBalancer
  ports:
    - port: 80
      targetPort: 8088
      name: http
    - port: 8088
      targetPort: 8088
      name: gateway
  selector:
    app: ingress-gw
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ingress-gw
  namespace: {{namespace}}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: ingress-gw
  template:
    metadata:
      labels:
        app: ingress-gw
        sidecar.istio.io/inject: "true"
      annotations:
        inject.istio.io/templates: gateway
    spec:
      containers:
        - name: istio-proxy
          image: auto   # Istio's injector puts its own
          ports:
            - containerPort: 8088
EOF
{{part gateway.called}}
