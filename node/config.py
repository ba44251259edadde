"""Where a home lies and where it listens: one frozen Config from file and environment."""

import os
import re
import tomllib
from pathlib import Path

import msgspec
import platformdirs

from protocol.core.errors import RefusedError

CONFIG_FILE = "config.toml"
NAME_LENGTH_MAX = 80


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A home's settings; ports 0 take any free one. `peer_url` is what peers are told, empty for a node that only
    dials out."""

    home: Path
    name: str = ""
    web_host: str = "127.0.0.1"
    web_port: int = 0
    peer_host: str = "127.0.0.1"
    peer_port: int = 0
    peer_url: str = ""
    passphrase_file: str = ""

    @property
    def database_path(self) -> Path:
        """The home's one database."""
        return self.home / "node.sqlite"

    @property
    def run_path(self) -> Path:
        """Where a running node says how to reach it: address, token and process."""
        return self.home / "run.json"


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
    for field in Config.__struct_fields__:
        named = os.environ.get(f"ROCHDALE_{field.upper()}")
        if named is not None and field != "home":
            values[field] = int(named) if field.endswith("_port") and named.isdecimal() else named
    try:
        given = msgspec.convert({**values, "home": str(home)}, Config, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        raise RefusedError.at(str(path), str(error)) from None
    return given


def save_config(config: Config) -> None:
    """Write what differs from the defaults to the home's config.toml."""
    lines = [f"{field} = {_format_toml(value)}" for field, value in _changed(config)]
    (config.home / CONFIG_FILE).write_text("".join(line + "\n" for line in lines), "utf-8")


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
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read_path(_: type, value: object) -> Path:
    return Path(str(value))
