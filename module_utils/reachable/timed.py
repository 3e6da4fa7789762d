# SPDX-License-Identifier: Apache-2.0
"""What programs have in common that a timer starts: a file with their configuration, and another program at work."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Config = TypeVar("Config")


class ConfigError(Exception):
    """The configuration cannot be used; the text is the sentence that says why."""


class Output(NamedTuple):
    """The exit status and the output of a program."""

    status: int
    stdout: str
    stderr: str


def start(
    prog: str,
    description: str,
    kind: Callable[..., Config],
    work: Callable[[Config], int],
    arguments: Sequence[str] | None,
) -> int:
    """Do the work with the configuration that the command line names, and return the exit status; 1 without one."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--config", required=True, help="file with the configuration, in JSON")
    try:
        config = load(kind, parser.parse_args(arguments).config)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return work(config)


def load(kind: Callable[..., Config], path: str) -> Config:
    """Read the configuration. Raises ConfigError."""
    try:
        with open(path, encoding="utf-8") as file:
            return kind(**json.load(file))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is no configuration of this program ({error}): run './reachable up'.") from error


def run(name: str, command: Sequence[str], environment: Mapping[str, str], seconds: float) -> Output:
    """Run a program that asks nothing. One that does not start, or not end in time, has failed as well.

    It has this program's environment with some more, but not its packages.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except OSError as error:
        return Output(1, "", f"{error.filename} does not run ({error.strerror}): run './reachable up'.")
    except subprocess.TimeoutExpired:
        return Output(1, "", f"{name} was not done after {seconds / 60:.0f} minutes.")
    return Output(done.returncode, done.stdout, done.stderr)
