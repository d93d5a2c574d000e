"""Open-loop load: requests start on their schedule whatever the service does.

A closed loop (a client that waits for an answer before it asks again) slows down with the service and so
hides its slowness. Here the schedule alone says when a request starts, and its latency counts from that
moment, late start included ("coordinated omission").
"""
