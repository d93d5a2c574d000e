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
