"""The lab's VPC: one Envoy that is every load balancer, and the HTTP proxy that knows every name.

`world.py` and `names.py` say what there is, `resources.py` turns it into Envoy's resources, all pure; the
process (`__main__.py`) watches Kubernetes and Route 53 and writes the files. docs/lab-network.md tells it
from the start.
"""
