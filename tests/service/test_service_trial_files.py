"""What a client may have converted on trial: no more than it could read itself, or sees in converters' folders."""

import os
from pathlib import Path

import pytest
from service_parts import config_of

from pywats_client.errors import CommandFailed
from pywats_client.ipc.protocol import Code
from pywats_client.paths import Instance
from pywats_client.service import trial_files
from pywats_client.service.trial_files import Trials

CREDENTIALS = "run-credentials"


def trials(home: Path) -> Trials:
    """Of a service whose one converter watches `in`."""
    (home / "in").mkdir(exist_ok=True)
    converter = {"name": "csv", "module_path": "csv", "watch_folder": str(home / "in")}
    instance = Instance.find(home=home / "home", environ={})
    return Trials.of(config_of(converters=[converter]), instance, {"CREDENTIALS_DIRECTORY": str(home / CREDENTIALS)})


def file(path: Path, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("content")
    path.chmod(mode)
    return path


def refusal(home: Path, path: Path) -> tuple[Code, str]:
    with pytest.raises(CommandFailed) as refused:
        trials(home).opened(path)
    return Code(refused.value.code), str(refused.value)


def test_a_file_for_everybody_and_a_private_one_in_a_converters_folder_may_be_tried(tmp_path: Path) -> None:
    for path in (file(tmp_path / "a.csv"), file(tmp_path / "in" / "Error" / "b.csv", 0o600)):
        assert trials(tmp_path).opened(path) == path


def test_a_private_file_elsewhere_is_refused_with_another_way(tmp_path: Path) -> None:
    key = file(tmp_path / ".ssh" / "id_ed25519", 0o600)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.csv").symlink_to(key)
    for path in (key, tmp_path / "in" / "link.csv", tmp_path / ".ssh"):
        code, why = refusal(tmp_path, path)
        assert code is Code.FORBIDDEN
        assert "`pywats-client convert`" in why


@pytest.mark.parametrize(
    "path", ["/proc/self/environ", "/proc/self/mem", "/proc/self/status", "/sys/kernel/uevent_seqnum"]
)
def test_what_the_kernel_tells_is_no_file_to_try(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.access(path, os.R_OK):
        pytest.skip(f"{path} cannot be read here")
    assert refusal(tmp_path, Path(path)) == (Code.FORBIDDEN, f"{Path(path).resolve()} is no file on a disk")
    monkeypatch.setattr(trial_files, "_KERNEL_PLACES", ())  # mounted elsewhere, as in a container
    assert refusal(tmp_path, Path(path))[0] is Code.FORBIDDEN


def test_credentials_of_the_service_manager_are_refused_whatever_their_mode(tmp_path: Path) -> None:
    assert refusal(tmp_path, file(tmp_path / CREDENTIALS / "token"))[0] is Code.FORBIDDEN


@pytest.mark.parametrize(
    "name",
    [
        *("config_default.json", "config_other.json", "config_a.json.bak", ".config_a.json.tmp", "converters.json"),
        *("converters_line-2.json", "token.key", ".token.key.tmp", "ipc_keys.json", "IPC_KEYS.json"),
    ],
)
def test_configurations_and_keys_of_any_instance_in_any_home_are_refused(tmp_path: Path, name: str) -> None:
    for folder in ("home", "another-home/instances/x", "in"):
        code, why = refusal(tmp_path, file(tmp_path / folder / name))
        assert (code, "holds secrets" in why) == (Code.FORBIDDEN, True)
    assert refusal(tmp_path, tmp_path / "another-home")[0] is Code.FORBIDDEN


def test_a_secret_under_another_name_is_refused(tmp_path: Path) -> None:
    secret = file(tmp_path / "home" / "instances" / "default" / "token.key")
    (tmp_path / "result.csv").hardlink_to(secret)
    assert refusal(tmp_path, tmp_path / "result.csv")[0] is Code.FORBIDDEN


def test_a_folder_is_refused_for_one_link_in_it_that_leads_to_what_is_closed(tmp_path: Path) -> None:
    file(tmp_path / "in" / "panel" / "a.csv")
    assert trials(tmp_path).opened(tmp_path / "in" / "panel") == tmp_path / "in" / "panel"
    (tmp_path / "in" / "panel" / "b.csv").symlink_to("/proc/self/environ")
    assert refusal(tmp_path, tmp_path / "in" / "panel")[0] is Code.FORBIDDEN


def test_a_folder_with_more_files_than_anybody_tries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_files, "MOST_FILES", 2)
    for number in range(3):
        file(tmp_path / "panel" / f"{number}.csv")
    assert refusal(tmp_path, tmp_path / "panel")[0] is Code.INVALID
