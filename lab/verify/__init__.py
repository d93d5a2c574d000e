"""`canario migrate --verify`: an App Mesh mesh and what it became, each on a real Envoy, asked the same."""
