"""What the lab's mesh and its VPC share: Envoy's resources as plain dicts, watched files, admin client.

An Envoy of the lab reads a bootstrap once and watches the files in its directory (`files.py`): `lds.json`,
`cds.json`, and one for each route configuration that changes. Whoever configures it writes these files.
"""
