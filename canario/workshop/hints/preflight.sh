# Everything that the workshop needs has to be there already. Look at each of them:
kubectl get nodes
aws ecr describe-images --repository-name canario/nodejs
aws route53 list-hosted-zones-by-name --dns-name appmeshworkshop.hosted.local

# An image that is missing is being built by CodeBuild, or is built and pushed by hand, one for each of the demo's
# services, with the tag that the message names:
#   aws codebuild start-build --project-name canario-images
#   aws ecr get-login-password | docker login --username AWS --password-stdin ACCOUNT.dkr.ecr.REGION.amazonaws.com
#   docker build -t ACCOUNT.dkr.ecr.REGION.amazonaws.com/canario/nodejs:TAG apps/demo
#   docker push ACCOUNT.dkr.ecr.REGION.amazonaws.com/canario/nodejs:TAG
