"""Generated examples are the same in every run: what is red here is red for everybody."""

from hypothesis import settings

pytest_plugins = ["tests.evidence.plugin"]

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
