"""What every test shares: Hypothesis measures no time, for these machines are shared, and draws the same examples."""

from hypothesis import settings

settings.register_profile("canario", deadline=None, derandomize=True)
settings.load_profile("canario")
