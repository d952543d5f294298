# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks and commands of each document run as they are written, against the simulator."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.environment import ROOT, isolated
from tests.support.programs import run

from .examples import Example, examples

WORKSPACES = yaml.safe_load((ROOT / "tests" / "simulator" / "workspaces.yml").read_text())["workspaces"]
# What the workspaces hold at first, and the token that they are to get; the documents name the same.
OLD_TOKENS = [f"u+EXAMPLExxxxxxxold{number}" for number in range(1, len(WORKSPACES) + 1)]
TOKEN = "u+EXAMPLExxxxxxxab12"
# Where the documents say that the simulator listens.
ADDRESS = "http://127.0.0.1:8443"


def files(document: str) -> dict[str, str]:
    """Return the files that a document has readers write; of two ways to write one, the first."""
    found: dict[str, str] = {}
    # Guides that name an inventory without showing one mean that of the README.
    own, readme = ([e for e in examples() if e.document == name] for name in (document, "README.md"))
    for example in own + readme:
        if example.file and "hashi_vault" not in example.text:
            found.setdefault(example.file, example.text)
    return found


def in_simulation(text: str, simulator: Simulator) -> str:
    """Return a file with the simulator in place of the address in the documents, and of PagerDuty."""
    text = text.replace(ADDRESS, simulator.url)
    return re.sub(
        r"^( +)preflight: true$", rf"\g<0>\n\1preflight_url: {simulator.pagerduty_url}", text, flags=re.MULTILINE
    )


def commands(document: str) -> list[str]:
    """Return the commands of a document that run playbooks or control the simulator."""
    blocks: list[Example] = [e for e in examples() if e.document == document and e.language == "console"]
    lines = [line.removeprefix("$ ") for block in blocks for line in block.text.splitlines()]
    # What talks to an AWX controller is tested in tests/e2e/awx.
    return [line for line in lines if re.match(r"ansible-playbook |curl ", line) and "awx" not in line]


DOCUMENTS = [name for name in sorted({example.document for example in examples()}) if commands(name)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands(document: str, tmp_path: Path) -> None:
    lines = commands(document)
    if any(line.startswith("curl ") for line in lines) and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    with Simulator() as simulator:
        for workspace, token in zip(WORKSPACES, OLD_TOKENS, strict=True):
            simulator.add_workspace(
                workspace["api_key"], workspace["name"], {"token": token, "is_token_readonly": True}
            )
        for name, text in files(document).items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(in_simulation(text, simulator))
        extra_vars = {
            "new_pagerduty_token": TOKEN,
            "old_pagerduty_token": OLD_TOKENS[0],
            "cortex_pagerduty_base_url": simulator.url,
            "cortex_pagerduty_preflight_url": simulator.pagerduty_url,
        }
        env = {
            **isolated(tmp_path),
            "CORTEX_BASE_URL": simulator.url,
            "CORTEX_API_KEY": WORKSPACES[0]["api_key"],
            "PAGERDUTY_TOKEN": TOKEN,
        }
        for line in lines:
            # The file in this test is not encrypted.
            command = shlex.split(line.replace("$CONTROL", f"{simulator.url}/_control").replace("$PWD", str(tmp_path)))
            command = [word for word in command if word != "--ask-vault-pass"]
            if command[0] == "ansible-playbook":
                command += [word for name, value in extra_vars.items() for word in ("-e", f"{name}={value}")]
            else:
                command[1:1] = ["--fail", "--silent", "--show-error", "--noproxy", "*"]
            done = run(*command, cwd=tmp_path, env=env)
            assert done.returncode == 0, f"{line}\n{done.stdout}"
        assert simulator.log
