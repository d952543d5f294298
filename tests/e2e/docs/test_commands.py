"""The playbooks, tasks and commands of all documents run as they are written, against the simulator."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.simulator import Simulator
from tests.support.environment import ROOT, isolated
from tests.support.programs import output_of

from .examples import Example, Loader, examples

EXAMPLES = examples()
WORKSPACES = yaml.safe_load((ROOT / "tests" / "simulator" / "workspaces.yml").read_text())["workspaces"]
# The tokens of the workspaces at first, and the token that they are to get; the documents name the same.
OLD_TOKENS = [f"u+EXAMPLExxxxxxxold{number}" for number in range(1, len(WORKSPACES) + 1)]
TOKEN = "u+EXAMPLExxxxxxxab12"
SCRATCH_KEY = "ck_live_scratch_8Wq2Zr5TxYc7LhVb4NsKd9Gf3Jm6Pa1E"
# Where the documents say that Cortex or the simulator listens.
ADDRESSES = re.compile(r"http://127\.0\.0\.1:8443|https://api\.eu\.cortex\.io")


def files(document: str) -> dict[str, str]:
    """Return the files that a document has readers write; of two ways to write one, the first."""
    found: dict[str, str] = {}
    # Guides that name an inventory without showing one mean that of the README.
    for example in sorted(EXAMPLES, key=lambda example: example.document != document):
        if example.document in (document, "README.md") and example.file and "hashi_vault" not in example.text:
            found.setdefault(example.file, example.text)
    return found


def as_plays(example: Example) -> str:
    """Return an example as plays; empty if it is neither a play nor a task."""
    content = yaml.load(example.text, Loader)  # noqa: S506 - a SafeLoader
    if not isinstance(content, list):
        return ""
    if any("hosts" in item or "ansible.builtin.import_playbook" in item for item in content):
        return example.text
    play = "- name: Run an example\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
    return play + textwrap.indent(example.text, "    ")


# Of each document. What talks to an AWX controller is tested in tests/e2e/awx.
COMMANDS: dict[str, list[str]] = defaultdict(list)
for example in EXAMPLES:
    if found := re.findall(r"^(?:\$| +- run:| +-) ((?:ansible-playbook|curl) (?!.*awx).*)", example.text, re.MULTILINE):
        COMMANDS[example.document] += found


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        for workspace, token in zip(WORKSPACES, OLD_TOKENS, strict=True):
            configuration = {"token": token, "is_token_readonly": True}
            simulator.add_workspace(workspace["api_key"], workspace["name"], configuration)
        simulator.add_workspace(SCRATCH_KEY)
        yield simulator


def run(lines: list[str], written: dict[str, str], folder: Path, simulator: Simulator) -> None:
    """Run commands in a folder with these files, with the simulator in place of Cortex and PagerDuty."""
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        simulated = ADDRESSES.sub(simulator.url, text)
        preflight = rf"\g<0>\n\1preflight_url: {simulator.pagerduty_url}"
        path.write_text(re.sub(r"^( +)preflight: true$", preflight, simulated, flags=re.MULTILINE))
    extra_vars = {
        "cortex_api_key": WORKSPACES[0]["api_key"],
        "pagerduty_token": TOKEN,
        "scratch_api_key": SCRATCH_KEY,
        "new_pagerduty_token": TOKEN,
        "old_pagerduty_token": OLD_TOKENS[0],
        "cortex_pagerduty_base_url": simulator.url,
        "cortex_pagerduty_preflight_url": simulator.pagerduty_url,
    }
    keys = {f"CORTEX_API_KEY_{workspace['name'].upper()}": workspace["api_key"] for workspace in WORKSPACES}
    own = {"CORTEX_BASE_URL": simulator.url, "PAGERDUTY_TOKEN": TOKEN, **keys}
    for line in lines:
        own["CORTEX_API_KEY"] = SCRATCH_KEY if "api_check" in line else WORKSPACES[0]["api_key"]
        command = shlex.split(line.replace("$CONTROL", f"{simulator.url}/_control").replace("$PWD", str(folder)))
        if command[0] == "ansible-playbook":
            # The file in this test is not encrypted.
            command = [word for word in command if word != "--ask-vault-pass"]
            command += ["-e", json.dumps(extra_vars)]
        else:
            command[1:1] = ["--fail", "--silent", "--show-error", "--noproxy", "*"]
        output_of(*command, cwd=folder, env={**isolated(folder), **own})
    assert simulator.log


@pytest.mark.parametrize("document", COMMANDS)
def test_commands_of_a_document_run(document: str, tmp_path: Path, simulator: Simulator) -> None:
    if any(line.startswith("curl ") for line in COMMANDS[document]) and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    run(COMMANDS[document], files(document), tmp_path, simulator)


def test_plays_and_tasks_outside_of_files_run(tmp_path: Path, simulator: Simulator) -> None:
    plays = "".join(
        as_plays(example) for example in EXAMPLES if example.language in ("yaml", "yaml+jinja") and not example.file
    )
    assert plays.count("cortexapps.cortex.") > 20
    command = "ansible-playbook examples.yml -i workspaces.yml -e @vault.yml -e cortex_workspaces=cortex"
    run([command], {**files("README.md"), "examples.yml": plays}, tmp_path, simulator)
