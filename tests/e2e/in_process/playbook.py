# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs plays with ansible-playbook as a user does, and tells what came of them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.simulator import Simulator
from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN
from tests.support.environment import isolated
from tests.support.programs import run

CONFIG = "cortexapps.cortex.cortex_pagerduty_config"
INFO = "cortexapps.cortex.cortex_pagerduty_config_info"
SECRETS = {"the API key": API_KEY, "the token": TOKEN, "the other token": OTHER_TOKEN}

#: The keywords that have a task run as an ordinary module, and change nothing else.
AS_MODULE = {"become": True, "become_method": "as_is"}


class Run(NamedTuple):
    """A run of Ansible: its exit status, all that it printed, and what tasks registered, by host and name."""

    status: int
    output: str
    registered: dict[str, dict[str, Any]]

    @property
    def results(self) -> dict[str, Any]:
        """What was registered on the only host."""
        (results,) = self.registered.values()
        return results

    @property
    def pythons(self) -> list[str]:
        """The Python of each task of this collection that ran as an ordinary module. It needs the option ``-vvv``."""
        return re.findall(r"EXEC .*?(/\S*python\S*) .*AnsiballZ_cortex_pagerduty_config", self.output)


class Controller:
    """A folder with all that one run of Ansible is given and leaves behind.

    `env` is its environment, and `python` what it runs in.
    """

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.python = sys.executable
        self.given = folder / "given"
        self.written = folder / "written"
        self.given.mkdir(parents=True)
        self.written.mkdir()
        self._registered = self.written / "registered.json"
        self.env = {
            **isolated(self.written),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "registered",
            "TEST_REGISTERED": str(self._registered),
            # What Ansible says of a choice among several is in the same order in every process.
            "PYTHONHASHSEED": "0",
            "CORTEX_BASE_URL": simulator.url,
            "SSL_CERT_FILE": simulator.ca_path or "",
        }

    def play(
        self,
        *tasks: dict[str, Any],
        inventory: Mapping[str, Any] | None = None,
        options: Sequence[str | Path] = (),
        **keywords: Any,
    ) -> Run:
        """Run a play with tasks and keywords, by default on all hosts of the inventory."""
        keywords.setdefault("hosts", "all" if inventory else "localhost")
        return self.playbook(play(*tasks, **keywords), inventory=inventory, options=options)

    def playbook(
        self,
        *plays: dict[str, Any],
        inventory: Mapping[str, Any] | None = None,
        options: Sequence[str | Path] = (),
    ) -> Run:
        """Run plays. The inventory has the variables of each host; without one there is the implicit localhost."""
        playbook = self.given / "playbook.yml"
        playbook.write_text(dump(list(plays)))
        arguments: list[str | Path] = [playbook, *options]
        if inventory:
            hosts = self.given / "inventory.yml"
            hosts.write_text(dump({"all": {"hosts": dict(inventory)}}))
            arguments += ["-i", hosts]
        return self.run("playbook", *arguments)

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


def play(*tasks: dict[str, Any], hosts: str = "localhost", **keywords: Any) -> dict[str, Any]:
    return {"hosts": hosts, "gather_facts": False, **keywords, "tasks": list(tasks)}


def config(name: str | None = None, **options: Any) -> dict[str, Any]:
    """Return a task that stores TOKEN and registers its result; options replace or (when None) remove its own.

    What comes beside the module goes into the dictionary afterwards: ``config("a") | {"check_mode": True}``.
    """
    given = {"api_key": API_KEY, "token": TOKEN, "is_token_readonly": True, "retries": 0, **options}
    return _task(CONFIG, given, name)


def info(name: str | None = None, **options: Any) -> dict[str, Any]:
    """Return a task that reads and registers its result; options replace or (when None) remove its own."""
    return _task(INFO, {"api_key": API_KEY, "retries": 0, **options}, name)


def _task(module: str, given: dict[str, Any], name: str | None) -> dict[str, Any]:
    task = {module: {option: value for option, value in given.items() if value is not None}}
    return task | {"register": name} if name else task
