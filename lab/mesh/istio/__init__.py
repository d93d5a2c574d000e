"""What stands in for Istio in the lab: Gateway API's and Istio's objects in, the lab's Envoy files out.

`control` is what the mesh controller asks of a dialect; `assembly`, `injection`, `statuses`, `identity` are its parts;
`install` puts it into the cluster, as the stacks' charts put Istio into EKS.
"""
