# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs plays with ansible-playbook as a user does."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.simulator import Simulator
from tests.support.cortex import TOKEN, api_key_of
from tests.support.environment import isolated
from tests.support.programs import run

CONFIG = "cortexapps.cortex.cortex_pagerduty_config"
INFO = "cortexapps.cortex.cortex_pagerduty_config_info"
#: The keywords that have a task run as an ordinary module, and change nothing else.
AS_MODULE = {"become": True, "become_method": "as_is"}


class Run(NamedTuple):
    """A run of Ansible: its exit status, all that it printed, and the results of tasks, by host and registered name."""

    status: int
    output: str
    results: dict[str, dict[str, Any]]

    @property
    def pythons(self) -> list[str]:
        """The Python of each task of this collection that ran as an ordinary module. It needs the option ``-vvv``."""
        return re.findall(r"EXEC .*?(/\S*python\S*) .*AnsiballZ_cortex_pagerduty_config", self.output)


class AnsibleFolder:
    """A folder with all that Ansible is given and leaves behind. `env` is its environment, `python` what it runs in."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.python = sys.executable
        self.given, self.written = folder / "given", folder / "written"
        for made in (self.given, self.written):
            made.mkdir()
        self._registered = folder / "registered.json"
        self.env = {
            **isolated(self.written),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "registered",
            "TEST_REGISTERED": str(self._registered),
            "CORTEX_BASE_URL": simulator.url,
            "SSL_CERT_FILE": simulator.ca_path or "",
        }

    def play(self, plays: Mapping[str, dict[str, Any]], *options: str | Path, **hosts: dict[str, Any]) -> Run:
        """Run plays by their names, which are those of their hosts, too, where they name no others.

        A host is local and has the API key of the workspace by its name; `hosts` has other variables of some.
        """
        names = {name for play in plays.values() for name in play["hosts"].split(":")}
        variables = {name: {"key": api_key_of(name), "ansible_connection": "local"} for name in sorted(names)}
        inventory = {name: own | hosts.get(name, {}) for name, own in variables.items()}
        for path, content in {"playbook": list(plays.values()), "inventory": {"all": {"hosts": inventory}}}.items():
            (self.given / f"{path}.yml").write_text(dump(content))
        return self.run("playbook", "playbook.yml", "-i", "inventory.yml", *options)

    def run(self, program: str, *arguments: str | Path) -> Run:
        """Run one of Ansible's programs: "playbook" or "adhoc"."""
        self._registered.write_text("{}")
        done = run(self.python, "-m", "ansible", program, *arguments, cwd=self.given, env=self.env)
        (self.written / "stdout").write_text(done.stdout)
        return Run(done.returncode, done.stdout, json.loads(self._registered.read_text()))


class Vaulted(str):
    """A value that is encrypted in place with ``!vault``."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(Vaulted, lambda dumper, value: dumper.represent_scalar("!vault", value, style="|"))


def dump(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False)


def plays(**tasks: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return plays by the names of their hosts, each with its tasks; more keywords of a play are added with ``|``."""
    return {name: {"hosts": name, "gather_facts": False, "tasks": list(some)} for name, some in tasks.items()}


def config(name: str | None = None, **options: Any) -> dict[str, Any]:
    """Return a task that stores TOKEN and registers its result; options replace or (when None) remove its own.

    What comes beside the module goes into the dictionary afterwards: ``config("a") | {"check_mode": True}``.
    """
    return _task(CONFIG, {"token": TOKEN, "is_token_readonly": True, **options}, name)


def info(name: str | None = None, **options: Any) -> dict[str, Any]:
    """Return a task that reads and registers its result; options replace or (when None) remove its own."""
    return _task(INFO, options, name)


def _task(module: str, options: dict[str, Any], name: str | None) -> dict[str, Any]:
    given = {"api_key": "{{ key }}", "retries": 0, **options}
    task = {module: {option: value for option, value in given.items() if value is not None}}
    return task | {"register": name} if name else task
