"""Where a home lies and where it listens: one frozen Config from file and environment."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

from protocol.core.errors import RefusedError
from storage.disk import write_durably

CONFIG_FILE = "config.toml"
PORT_MAX = 65_535
SETTING_SHOWN_CHARS = 40
OWNER_ONLY = 0o077
"""The umask of every process of ours: what a node or a command writes is its owner's alone to read."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A home's settings; ports 0 take any free one. `peer_url` is what peers are told, empty for a node that only
    dials out; `signed_folder` is where the last signed head is noted, empty: beside the home; `lan` is `on` where
    peers are looked for in the local network too."""

    home: Path
    name: str = ""
    web_host: str = "127.0.0.1"
    web_port: int = 0
    peer_host: str = "127.0.0.1"
    peer_port: int = 0
    peer_url: str = ""
    lan: str = ""
    passphrase_file: str = ""
    signed_folder: str = ""

    @property
    def database_path(self) -> Path:
        """The home's one database."""
        return self.home / "node.sqlite"


def default_home() -> Path:
    """ROCHDALE_HOME, or the platform's folder for application files."""
    named = os.environ.get("ROCHDALE_HOME")
    return Path(named) if named else Path(platformdirs.user_data_dir("rochdale"))


def load_config(home: Path) -> Config:
    """The config of a home: defaults, then its config.toml, then ROCHDALE_* of the environment."""
    values: dict[str, object] = {}
    path = home / CONFIG_FILE
    if path.exists():
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RefusedError.at(str(path), f"not a readable TOML file: {error}") from None
    check_settings(str(path), values)
    for field in Config.__struct_fields__:
        named = os.environ.get(variable := f"ROCHDALE_{field.upper()}")
        if named is not None and field != "home":
            is_port = field.endswith("_port") and named.isdecimal() and len(named) <= len(str(PORT_MAX))
            values[field] = int(named) if is_port else named
            check_settings(variable, {field: values[field]})
    return msgspec.convert({**values, "home": home}, Config)


def check_settings(place: str, values: Mapping[str, object]) -> None:
    """RefusedError at `place` (a file or a variable) when a setting is not known or not of its kind."""
    unknown = sorted(values.keys() - set(Config.__struct_fields__) | values.keys() & {"home"})
    if unknown:
        raise RefusedError.at(place, f"there is no setting '{unknown[0][:SETTING_SHOWN_CHARS]}'")
    for field, value in values.items():
        if field.endswith("_port") and (type(value) is not int or not 0 <= value <= PORT_MAX):
            raise RefusedError.at(place, f"{field} must be a whole number from 0 to {PORT_MAX}")
        if not field.endswith("_port") and not isinstance(value, str):
            raise RefusedError.at(place, f"{field} must be a text")
        if field == "lan" and value not in ("", "on"):
            raise RefusedError.at(place, "lan is `on`, or is left out")


def save_config(config: Config) -> None:
    """Write what differs from the defaults to the home's config.toml."""
    lines = [f"{field} = {_format_toml(value)}" for field, value in _changed(config)]
    write_durably(config.home / CONFIG_FILE, "".join(line + "\n" for line in lines).encode())


def origin_from_name(name: str, suffix: str) -> str:
    """The origin line of a new log: the co-op's name in plain letters and a random suffix, no place or person."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "co-op"
    return f"{plain}-{suffix}.rochdale/log"


def _changed(config: Config) -> list[tuple[str, object]]:
    defaults = Config(home=config.home)
    pairs = ((field, getattr(config, field)) for field in Config.__struct_fields__ if field != "home")
    return [(field, value) for field, value in pairs if value != getattr(defaults, field)]


def _format_toml(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    # What JSON writes for a text is a TOML text too, once DEL is spelled out.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
