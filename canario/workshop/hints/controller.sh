kubectl create ns appmesh-system
helm upgrade -i appmesh-controller eks/appmesh-controller \
  --namespace appmesh-system \
  --set region=us-west-1 \
  --set serviceAccount.name=appmesh-controller
kubectl -n appmesh-system get all
kubectl get crds | grep appmesh
