"""Other tools' rules, as their sources and documentation have them; each file says which constant is from where.

A tuned setting's threshold is a multiple of the service's usual rate: a team knows that of its own service.
"""

MULTIPLES = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 40.0)
