nodes="nodejs-app crystal-app"
if kubectl -n {{namespace}} get deployment nodejsv2-app; then nodes="$nodes nodejsv2-app"; fi

# $1 the mode. Every proxy has a certificate of Istio's already; PERMISSIVE takes both, STRICT nothing but TLS.
policies() {
  for node in $nodes; do
    kubectl apply -f - <<EOF
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: $node
  namespace: {{namespace}}
  labels:
    canario/workshop: {{workshop}}
spec:
  selector:
    matchLabels:
      app: $node
  mtls:
    mode: $1
EOF
  done
}

# The callers have to speak TLS before the nodes take nothing else: no request meets a side that is not ready.
policies PERMISSIVE
sleep 3
policies STRICT
