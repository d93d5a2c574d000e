"""What the lab's mesh and its VPC share: Envoy's resources as plain dicts, watched files, admin client.

An Envoy of the lab reads a bootstrap once and watches the files in its directory (`files.py`): `lds.json`,
`cds.json`, one file for each route configuration and for each cluster's endpoints. Whoever configures it
writes these files.
"""
