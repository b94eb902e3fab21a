"""The server token: from a systemd credential, the environment, or encrypted in the configuration.

The key file lies apart from the configuration and is mixed with the ids of machine and user. That keeps the token
from whoever gets a copy of the configuration, not from another program of the same user on this machine.
"""

import base64
import getpass
import hmac
import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pywats_client import logs
from pywats_client.config.model import Config
from pywats_client.disk import Disk
from pywats_client.errors import Refused
from pywats_client.paths import Instance

KEY_BYTES = 32
_CAREFUL = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)  # neither is on Windows
_CURE = "store it anew"


class Secret:
    """A text that shows itself to nobody by accident; logs strike it out wherever it comes from."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        logs.strike_out(text)

    def reveal(self) -> str:
        """The text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not travel")


def as_token(text: str) -> Secret:
    """A token as people paste it: white space around it and a leading `Basic` are left out.

    Raises Refused for what cannot be a token.
    """
    token = text.strip().removeprefix("Basic ").strip()
    secret = Secret(token)
    if not token:
        raise Refused(f"the token is empty; {_CURE}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Refused(f"the token holds characters that no token has, such as spaces; {_CURE}")
    return secret


def server_token(instance: Instance, config: Config, environ: Mapping[str, str] = os.environ) -> Secret | None:
    """The token in force, None where none is set.

    The first that is there: systemd's credential `wats_token`, PYWATS_API_TOKEN, the file that
    PYWATS_API_TOKEN_FILE names, `server.token_encrypted`. Raises Refused where it cannot be read or decrypted:
    the reports wait then, as they do when a server refuses the token.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and (credential := Path(folder, "wats_token")).exists():
        return _read_token(credential, "the systemd credential wats_token")
    if environ.get("PYWATS_API_TOKEN"):
        return as_token(environ["PYWATS_API_TOKEN"])
    if environ.get("PYWATS_API_TOKEN_FILE"):
        return _read_token(Path(environ["PYWATS_API_TOKEN_FILE"]), "the file of PYWATS_API_TOKEN_FILE")
    if config.server.token_encrypted:
        return decrypt(instance, config.server.token_encrypted)
    return None


def variable_of_token(environ: Mapping[str, str]) -> str:
    """What of the environment gives the token and wins over the stored one; empty where nothing does."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and Path(folder, "wats_token").exists():
        return "the systemd credential wats_token"
    return next((name for name in ("PYWATS_API_TOKEN", "PYWATS_API_TOKEN_FILE") if environ.get(name)), "")


def _read_token(file: Path, what: str) -> Secret:
    try:
        return as_token(file.read_text("utf-8"))
    except OSError as error:
        raise Refused(f"{what} cannot be read: {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{what} is no text: {file}") from error


def encrypt(instance: Instance, token: Secret, disk: Disk | None = None) -> str:
    """The token as it is stored; makes the instance's key where there is none, or none that can be used."""
    key = _read_key(instance.token_key)
    if key is None:
        key = _make_key(instance.token_key, disk or Disk())
    return _fernet(key).encrypt(token.reveal().encode()).decode()


def decrypt(instance: Instance, token_encrypted: str) -> Secret:
    """The stored token; raises Refused with the cure where this machine and user cannot decrypt it."""
    key = _read_key(instance.token_key)
    if key is None:
        raise Refused(f"the stored token cannot be decrypted: its key {instance.token_key} is missing; {_CURE}")
    try:
        return Secret(_fernet(key).decrypt(token_encrypted.encode()).decode())
    except InvalidToken as error:
        raise Refused(
            f"the stored token cannot be decrypted: it was stored on another machine, by another user, "
            f"or is damaged; {_CURE}"
        ) from error


def _fernet(key: bytes) -> Fernet:
    """The cipher of a key file on this machine for this user."""
    user = str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()
    derive = HKDF(SHA256(), 32, salt=_machine_id().encode(), info=f"pywats-client token, user {user}".encode())
    return Fernet(base64.urlsafe_b64encode(derive.derive(key)))


def _read_key(file: Path) -> bytes | None:
    """The key's bytes; None where there is no key or a damaged one, Refused where others could have made it."""
    try:
        descriptor = os.open(file, os.O_RDONLY | _CAREFUL | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"the key {file} of the stored token cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"the key {file} of the stored token is no regular file; remove it, then {_CURE}")
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
            raise Refused(
                f"the key {file} of the stored token must belong to the service's user and be readable "
                f"to nobody else (mode 0600); remove it, then {_CURE}"
            )
        key = stream.read(KEY_BYTES + 1)
    return key if len(key) == KEY_BYTES else None


def _make_key(file: Path, disk: Disk) -> bytes:
    """A new key, durable before anything is encrypted with it; what is there already was found to be no key."""
    disk.make_folder(file.parent)
    key = secrets.token_bytes(KEY_BYTES)
    disk.replace(file, key)
    return key


def _machine_id() -> str:
    """What this installation of the system is called; empty where it has no id, as in many containers."""
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    if sys.platform == "darwin":
        answer = subprocess.run(["/usr/sbin/sysctl", "-n", "kern.uuid"], capture_output=True, text=True, check=False)
        return answer.stdout.strip()
    for file in (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id")):
        if file.is_file() and (found := file.read_text("ascii").strip()):
            return found
    return ""
