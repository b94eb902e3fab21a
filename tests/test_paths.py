from pathlib import Path

import platformdirs.windows
import pytest

from pywats_client.errors import ConfigError
from pywats_client.paths import Instance


def find(instance_id: str = "default", platform: str = "linux", **environ: str) -> Instance:
    return Instance.find(instance_id, environ=environ, platform=platform)


@pytest.fixture(autouse=True)
def _ann(monkeypatch: pytest.MonkeyPatch) -> None:
    """platformdirs reads the environment itself."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ann")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_users_configuration_is_where_older_documents_have_it(platform: str) -> None:
    instance = find("line-3", platform)
    assert instance.config == Path("/home/ann/.config/pywats_client/config_line-3.json")
    assert instance.converters_config == Path("/home/ann/.config/pywats_client/converters_line-3.json")
    assert instance.queue == Path("/home/ann/.local/share/pywats_client/line-3/queue")


def test_windows_keeps_configuration_in_appdata(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {"CSIDL_APPDATA": "/Roaming", "CSIDL_LOCAL_APPDATA": "/Local"}
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", folders.__getitem__)
    instance = find(platform="win32")
    assert instance.config == Path("/Roaming/pyWATS_Client/config_default.json")
    assert instance.log == Path("/Local/pyWATS_Client/default/service.log")


def test_the_default_instance_has_the_plain_names_for_converters() -> None:
    instance = find()
    assert instance.converters_config.name == "converters.json"
    assert instance.converters == instance.config.parent / "converters"


def test_xdg_folders_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/xdg")
    instance = find()
    assert instance.config.parent == Path("/etc/xdg/pywats_client")
    assert instance.data == Path("/home/ann/.local/share/pywats_client/default")


def test_home_holds_everything_of_every_instance(tmp_path: Path) -> None:
    instance = Instance.find("a", home=tmp_path, environ={"PYWATS_HOME": "/elsewhere", "STATE_DIRECTORY": "/var/x"})
    assert instance.home == tmp_path
    places = (
        instance.config,
        instance.converters_config,
        instance.converters,
        instance.queue,
        instance.journal,
        instance.log,
        instance.endpoint,
        instance.token_key,
    )
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert len(set(places)) == len(places)


def test_pywats_home_is_used_without_the_option_and_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert find(PYWATS_HOME="srv").config == Path("/srv/config_default.json")


def test_systemd_says_where_a_system_service_keeps_things() -> None:
    instance = find(
        "b",
        CONFIGURATION_DIRECTORY="/etc/pywats:/etc/other",
        STATE_DIRECTORY="/var/lib/pywats",
        LOGS_DIRECTORY="/var/log/pywats",
        RUNTIME_DIRECTORY="/run/pywats",
    )
    assert instance.config == Path("/etc/pywats/config_b.json")
    assert instance.queue == Path("/var/lib/pywats/b/queue")
    assert instance.log == Path("/var/log/pywats/b/service.log")
    assert instance.endpoint.parent == Path("/run/pywats/b")


def test_two_instances_share_nothing_of_their_own() -> None:
    one, two = find("one"), find("two")
    for name in ("config", "converters_config", "converters", "queue", "journal", "log", "endpoint", "token_key"):
        assert getattr(one, name) != getattr(two, name)


@pytest.mark.parametrize("environ", [{}, {"PYWATS_HOME": "/srv"}, {"STATE_DIRECTORY": "/var/lib/x"}])
def test_the_token_key_is_never_beside_the_configuration(environ: dict[str, str]) -> None:
    instance = find(**environ)
    assert instance.token_key.parent != instance.config.parent


@pytest.mark.parametrize("name", ["", "../x", "a b", "-a", "_a", "å", "a" * 33, "a\n", "a/b", "a.b"])
def test_a_name_that_is_no_instance_id_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="1 to 32 letters"):
        find(name)


def test_finding_an_instance_makes_nothing(tmp_path: Path) -> None:
    Instance.find(home=tmp_path / "home", environ={})
    assert list(tmp_path.iterdir()) == []
