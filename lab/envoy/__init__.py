"""What the lab's mesh and its VPC share: Envoy's resources as plain dicts, their files, how Envoy gets them, its admin.

Whoever configures an Envoy writes files into its directory (`files.py`): `lds.json`, `cds.json`, one for each route
configuration that changes, one for each secret. Whoever runs the Envoy serves them to it (`server.py`).
"""
