"""Generated examples are the same in every run: what is red here is red for everybody."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = ["tests.evidence.plugin"]

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Services that tests run in this process register themselves in a home of nobody's."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            patched.delenv(name, raising=False)
        yield
