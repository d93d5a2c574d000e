certificates=$(mktemp -d)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj "/CN=Workshop {{workshop}}" \
  -keyout $certificates/ca.key -out $certificates/ca.crt
kubectl -n {{namespace}} create secret tls mtls-authority --cert=$certificates/ca.crt --key=$certificates/ca.key

# $1 the deployment, $2 the service whose name its certificate has
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
    -keyout $certificates/$1.key -out $certificates/$1.csr
  printf 'subjectAltName=DNS:%s.{{domain}}\n' "$2" > $certificates/$1.ext
  openssl x509 -req -days 30 -in $certificates/$1.csr -extfile $certificates/$1.ext \
    -CA $certificates/ca.crt -CAkey $certificates/ca.key -CAcreateserial -out $certificates/$1.crt
  kubectl -n {{namespace}} create secret generic $1-tls --from-file=tls.crt=$certificates/$1.crt \
    --from-file=tls.key=$certificates/$1.key --from-file=ca.crt=$certificates/ca.crt
  kubectl -n {{namespace}} patch deployment $1 -p '{"spec": {"template": {"metadata": {"annotations":
    {"appmesh.k8s.aws/secretMounts": "'$1'-tls:/certs"}}}}}'
  kubectl -n {{namespace}} rollout status deployment $1
}
certificate nodejs-app nodejs
certificate crystal-app crystal
certificate frontend-app frontend
if kubectl -n {{namespace}} get deployment nodejsv2-app; then certificate nodejsv2-app nodejs; fi
if kubectl -n {{namespace}} get virtualgateway ingress-gw; then
  certificate ingress-gw ingress-gw
  gateway=', "ingress-gw.{{domain}}"'
fi
rm -r $certificates

files='{"file": {"certificateChain": "/certs/tls.crt", "privateKey": "/certs/tls.key"}}'
trust='{"file": {"certificateChain": "/certs/ca.crt"}}'

# $1 the mode. Listeners that take both first, callers next, STRICT last: no request meets a side that is not ready.
listen() {
  for node in $(kubectl -n {{namespace}} get virtualnodes -o name | grep -v frontend-app); do
    kubectl -n {{namespace}} patch $node --type merge -p '{"spec": {"listeners": [{
      "portMapping": {"port": 3000, "protocol": "http"},
      "tls": {"mode": "'$1'", "certificate": '"$files"', "validation": {"trust": '"$trust"',
        "subjectAlternativeNames": {"match": {"exact": ["frontend.{{domain}}"'"$gateway"']}}}}}]}}'
  done
}

backend() {
  echo '{"virtualService": {"virtualServiceRef": {"name": "'$1'"}, "clientPolicy": {"tls": {"enforce": true,
    "certificate": '"$files"', "validation": {"trust": '"$trust"',
    "subjectAlternativeNames": {"match": {"exact": ["'$1'.{{domain}}"]}}}}}}}'
}

listen PERMISSIVE
sleep 3
kubectl -n {{namespace}} patch virtualnode frontend-app --type merge \
  -p '{"spec": {"backends": ['"$(backend nodejs)"', '"$(backend crystal)"']}}'
if [ -n "$gateway" ]; then
  kubectl -n {{namespace}} patch virtualgateway ingress-gw --type merge -p '{"spec": {"backendDefaults":
    {"clientPolicy": {"tls": {"enforce": true, "certificate": '"$files"', "validation": {"trust": '"$trust"',
    "subjectAlternativeNames": {"match": {"exact": ["nodejs.{{domain}}", "crystal.{{domain}}"]}}}}}}}}'
fi
sleep 3
listen STRICT
