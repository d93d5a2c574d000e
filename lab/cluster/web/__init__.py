"""The Kubernetes API over HTTP: `lab.cluster.api.Api` for everyone who is not in its process."""
