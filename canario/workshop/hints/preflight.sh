# Everything that the workshop needs has to be there already. Look at each of them:
kubectl get nodes
aws ecr describe-images --repository-name canario/nodejs --image-ids imageTag=latest
aws route53 list-hosted-zones-by-name --dns-name appmeshworkshop.hosted.local

# An image that is missing is built and pushed, one for each of the demo's services:
#   aws ecr get-login-password | docker login --username AWS --password-stdin ACCOUNT.dkr.ecr.REGION.amazonaws.com
#   docker build -t ACCOUNT.dkr.ecr.REGION.amazonaws.com/canario/nodejs:latest apps/demo
#   docker push ACCOUNT.dkr.ecr.REGION.amazonaws.com/canario/nodejs:latest
