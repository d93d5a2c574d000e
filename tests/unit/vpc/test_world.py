from lab.vpc.world import Port, Service, services

METADATA = {"namespace": "ns", "name": "web"}


def service(**fields):
    return {"metadata": METADATA, **fields}


def test_load_balancer() -> None:
    """A Service has its load balancer's name and address, and each port the endpoints of the same name."""
    spec = {"clusterIP": "127.9.2.1", "ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 81}]}
    status = {"loadBalancer": {"ingress": [{"hostname": "A.elb.amazonaws.com", "ip": "127.9.1.1"}]}}
    endpoints = {
        "metadata": METADATA,
        "subsets": [
            {
                "addresses": [{"ip": "127.9.16.2"}, {"ip": "127.9.16.1"}],
                "notReadyAddresses": [{"ip": "127.9.16.3"}],
                "ports": [{"name": "http", "port": 3000}],
            }
        ],
    }
    [found] = services([service(spec=spec, status=status)], [endpoints])

    ready = (("127.9.16.1", 3000), ("127.9.16.2", 3000))
    ports = (Port(80, ready), Port(81, ()))
    assert found == Service("ns", "web", "127.9.2.1", "A.elb.amazonaws.com", "127.9.1.1", ports)
    assert found.names == (
        "web.ns.svc.cluster.local",
        "web.ns.svc",
        "web.ns",
        "a.elb.amazonaws.com",
        "127.9.1.1",
        "127.9.2.1",
    )


def test_bare() -> None:
    """A headless Service without ports, load balancer or endpoints is one with nothing."""
    [found] = services([service(spec={"clusterIP": "None"})], [])

    assert found == Service("ns", "web", "", "", "", ())


def test_tcp_only() -> None:
    """A port that is not TCP is no HTTP listener."""
    [found] = services([service(spec={"ports": [{"port": 53, "protocol": "UDP"}]})], [])

    assert found.ports == ()
