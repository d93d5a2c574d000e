"""The lab's mesh: mesh objects in, Envoy configuration files out; and the sidecars that read them.

`python -m lab.mesh` is the controller, `python -m lab.mesh.sidecar` what the injected `envoy` container runs.
The modules that decide (`membership`, `assembly`, `endpoints`, `render`, `injection`, `statuses`) are pure;
`controller`, `webhook` and `sidecar` do what they say.
"""
