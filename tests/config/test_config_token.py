import copy
import os
import pickle
from pathlib import Path

import pytest

from pywats_client.config import token as token_module
from pywats_client.config.model import Config, Server
from pywats_client.config.token import Secret, as_token, decrypt, encrypt, server_token
from pywats_client.disk import Disk
from pywats_client.errors import Refused
from pywats_client.paths import Instance
from tests.fakes.disk import RecordedSteps

TOKEN = "c3RhdGlvbjpzM2NyM3Q="


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    return Instance.find(home=tmp_path, environ={})


def stored(instance: Instance, text: str = TOKEN) -> Config:
    return Config(server=Server(token_encrypted=encrypt(instance, Secret(text))))


def revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(TOKEN)
    assert TOKEN not in f"{secret} {secret!r} {secret:>10} {[secret]} {vars(Secret)} %s" % secret
    assert secret == Secret(TOKEN) != Secret("another")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.copy(secret)


def test_a_stored_token_comes_back_and_is_not_readable_in_between(instance: Instance) -> None:
    config = stored(instance)
    assert TOKEN not in config.server.token_encrypted
    assert revealed(server_token(instance, config, {})) == TOKEN


def test_the_key_is_for_its_owner_alone_and_apart_from_the_configuration(instance: Instance) -> None:
    stored(instance)
    assert instance.token_key.stat().st_mode & 0o777 == 0o600
    assert instance.token_key.parent.stat().st_mode & 0o777 == 0o700
    assert instance.token_key.parent != instance.config.parent


def test_the_key_is_durable_before_anything_is_encrypted_with_it(instance: Instance) -> None:
    steps = RecordedSteps()
    encrypt(instance, Secret(TOKEN), Disk(steps))
    assert [step for step, _ in steps.log[-4:]] == ["fsync", "rename", "open", "fsync"]
    assert steps.log[-1][1] == instance.token_key.parent


def test_a_second_token_is_stored_under_the_same_key(instance: Instance) -> None:
    first = stored(instance)
    stored(instance, "another")
    assert revealed(server_token(instance, first, {})) == TOKEN


def test_the_first_source_that_is_there_wins(instance: Instance, tmp_path: Path) -> None:
    config = stored(instance)
    (tmp_path / "wats_token").write_text("from-systemd\n")
    (tmp_path / "file").write_text("Basic from-file\n")
    environ = {
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "PYWATS_API_TOKEN": "from-environment",
        "PYWATS_API_TOKEN_FILE": str(tmp_path / "file"),
    }
    assert revealed(server_token(instance, config, environ)) == "from-systemd"
    (tmp_path / "wats_token").unlink()
    assert revealed(server_token(instance, config, environ)) == "from-environment"
    del environ["PYWATS_API_TOKEN"]
    assert revealed(server_token(instance, config, environ)) == "from-file"
    del environ["PYWATS_API_TOKEN_FILE"]
    assert revealed(server_token(instance, config, environ)) == TOKEN
    assert server_token(instance, Config(), environ) is None


def test_a_token_file_that_cannot_be_read_is_told_and_not_passed_over(instance: Instance, tmp_path: Path) -> None:
    config = stored(instance)
    with pytest.raises(Refused, match="PYWATS_API_TOKEN_FILE cannot be read"):
        server_token(instance, config, {"PYWATS_API_TOKEN_FILE": str(tmp_path / "none")})


def test_another_key_or_a_damaged_token_is_refused_with_the_cure(instance: Instance, tmp_path: Path) -> None:
    config = stored(instance)
    other = Instance.find("other", home=tmp_path, environ={})
    stored(other)
    with pytest.raises(Refused, match="store it anew"):
        server_token(other, config, {})
    for damaged in (config.server.token_encrypted[:-5], "...", "å"):
        with pytest.raises(Refused, match="store it anew"):
            decrypt(instance, damaged)


def test_a_missing_or_damaged_key_is_refused_and_made_anew_by_the_next_login(instance: Instance) -> None:
    config = stored(instance)
    instance.token_key.write_bytes(b"")
    with pytest.raises(Refused, match="store it anew"):
        server_token(instance, config, {})
    instance.token_key.unlink()
    with pytest.raises(Refused, match="is missing"):
        server_token(instance, config, {})
    assert revealed(server_token(instance, stored(instance), {})) == TOKEN


@pytest.mark.parametrize("machine", ["", "another-machine"])
def test_a_token_does_not_open_on_another_machine(
    instance: Instance, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = stored(instance)
    monkeypatch.setattr(token_module, "_machine_id", lambda: machine)
    with pytest.raises(Refused, match="stored on another machine"):
        server_token(instance, config, {})


def test_a_token_does_not_open_for_another_user(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    config = stored(instance)
    user = os.getuid() + 1
    os.chown(instance.token_key, user, -1) if os.getuid() == 0 else None
    monkeypatch.setattr(os, "getuid", lambda: user)
    with pytest.raises(Refused, match="store it anew"):
        server_token(instance, config, {})


def test_a_key_that_others_can_read_is_refused(instance: Instance) -> None:
    config = stored(instance)
    instance.token_key.chmod(0o640)
    with pytest.raises(Refused, match="mode 0600"):
        server_token(instance, config, {})


def test_a_key_behind_a_link_or_in_a_pipe_is_refused(instance: Instance, tmp_path: Path) -> None:
    config = stored(instance)
    instance.token_key.rename(tmp_path / "key")
    instance.token_key.symlink_to(tmp_path / "key")
    with pytest.raises(Refused, match="cannot be read"):
        server_token(instance, config, {})
    instance.token_key.unlink()
    os.mkfifo(instance.token_key, 0o600)
    with pytest.raises(Refused, match="no regular file"):
        server_token(instance, config, {})


@pytest.mark.parametrize("text", ["", "  \n", "two words", "line\nbreak", "tøken"])
def test_what_cannot_be_a_token_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(Refused) as caught:
        as_token(text)
    assert not text.strip() or text.strip() not in str(caught.value)
