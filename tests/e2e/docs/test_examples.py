# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example in the documentation is right: its syntax, the modules' arguments, the names of variables and files."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.environment import ROOT, isolated

from .examples import DOCUMENTS, Example, examples

EXAMPLES = examples()
YAML = [example for example in EXAMPLES if example.language.lower() in ("yaml", "yaml+jinja")]
CONSOLE = [example for example in EXAMPLES if example.language in ("console", "bash")]
LINT_CONFIGURATION = {"offline": True, "enable_list": ["args"], "warn_list": [], "exclude_paths": []}
# Of what ansible-lint looks at: what makes an example not work. An example may be terser than a playbook should be.
RULES = ("args", "syntax-check", "load-failure", "parser-error", "internal-error", "schema")

# Variables that are read by a playbook and so are in no argument spec.
PLAYBOOK_VARIABLE = re.compile(r"\b(cortex_(?:workspaces|rollout)\w*)\b")
VARIABLE = re.compile(
    r"(?<![\w.])((?:cortex_(?:pagerduty|workspaces|rollout|audit)|awx)_?\w*)\s*(?::(?! *none)|=)", re.MULTILINE
)


class Loader(yaml.SafeLoader):
    """Knows the tags of Ansible."""


def scalar(loader: Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


Loader.add_constructor("!vault", scalar)
Loader.add_constructor("!unsafe", scalar)


def as_playbook(example: Example) -> str | None:
    """Return an example as a playbook, None when it is no play and no task."""
    content = yaml.load(example.text, Loader)  # noqa: S506 - a SafeLoader
    if not isinstance(content, list):
        return None
    if any("hosts" in item or "ansible.builtin.import_playbook" in item for item in content):
        return example.text
    tasks = "".join(f"    {line}" if line.strip() else line for line in example.text.splitlines(keepends=True))
    return f"- name: Run an example\n  hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"


PLAYBOOKS: dict[str, str] = defaultdict(str)
for example in YAML:
    PLAYBOOKS[example.document] += as_playbook(example) or ""
MISTAKES = """\
- name: Use an option that does not exist
  cortexapps.cortex.cortex_pagerduty_config:
    state: absent
    tokn: a
- name: Leave out what is needed
  cortexapps.cortex.cortex_pagerduty_config:
    token: abc
- name: Choose what is no choice
  cortexapps.cortex.cortex_pagerduty_config:
    state: gone
"""


def without_action_plugins(folder: Path) -> Path:
    """Make the collection in a folder. ansible-lint checks no arguments of a module that has an action plugin."""
    plugins = folder / "ansible_collections" / "cortexapps" / "cortex" / "plugins"
    plugins.mkdir(parents=True)
    for path in {*ROOT.glob("plugins/*")} - {ROOT / "plugins" / "action"}:
        (plugins / path.name).symlink_to(path)
    for name in ("galaxy.yml", "meta", "playbooks", "roles"):
        (plugins.parent / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What ansible-lint finds in each document: wrong syntax, and unknown, missing or wrong arguments."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / ".ansible-lint").write_text(json.dumps(LINT_CONFIGURATION))
    mistakes = as_playbook(Example("", 0, "yaml", MISTAKES, "")) or ""
    documents = {folder / f"{number}.yml": document for number, document in enumerate([*PLAYBOOKS, "mistakes"])}
    for path, document in documents.items():
        path.write_text(PLAYBOOKS.get(document, mistakes))
    env = isolated(tmp_path_factory.mktemp("environment")) | {
        "ANSIBLE_COLLECTIONS_PATH": str(without_action_plugins(folder / "collections")),
        "CORTEX_API_KEY": "from-the-environment",
        "PAGERDUTY_TOKEN": "from-the-environment",
    }
    lint = ["ansible-lint", "--offline", "-c", ".ansible-lint", "-f", "json", *map(str, documents)]
    done = subprocess.run(lint, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    found = defaultdict(list)
    for finding in json.loads(done.stdout):
        if finding["check_name"].startswith(RULES):
            document = documents[folder / finding["location"]["path"]]
            found[document].append(f"{finding['check_name']}: {finding['description']}")
    return found


@pytest.mark.parametrize("document", PLAYBOOKS)
def test_syntax_and_arguments(document: str, findings: dict[str, list[str]]) -> None:
    assert findings.get(document, []) == []


@pytest.mark.parametrize("mistake", ["tokn", "is_token_readonly", "gone"])
def test_mistakes_are_found(mistake: str, findings: dict[str, list[str]]) -> None:
    assert [finding for finding in findings["mistakes"] if mistake in finding]


@pytest.mark.parametrize("example", YAML, ids=lambda example: example.id)
def test_is_yaml(example: Example) -> None:
    assert yaml.load(example.text, Loader) is not None  # noqa: S506 - a SafeLoader


def known_variables() -> set[str]:
    """Return the variables of the roles and playbooks."""
    known: set[str] = {"cortex_pagerduty_result", "cortex_pagerduty_config", "cortex_pagerduty_config_info"}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        specs: dict[str, Any] = yaml.safe_load(path.read_text())["argument_specs"]
        for spec in specs.values():
            known.update(spec["options"])
    for path in ROOT.glob("playbooks/*.yml"):
        known.update(PLAYBOOK_VARIABLE.findall(path.read_text()))
    return known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_variables_exist(document: Path) -> None:
    used = set(VARIABLE.findall(document.read_text(encoding="utf-8")))
    assert used - known_variables() == set()


@pytest.mark.parametrize("example", CONSOLE, ids=lambda example: example.id)
def test_commands_exist(example: Example) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    sessions = (ROOT / "noxfile.py").read_text() + (ROOT / "antsibull-nox.toml").read_text()
    names = r"^def (\w+)\(session|name=\"([\w-]+)\"|^add_program\(\"(\w+)\"|^\[sessions\.(\w+)\]"
    known |= {match[match.lastindex or 0].replace("_", "-") for match in re.finditer(names, sessions, re.MULTILINE)}
    # Of the sessions for each version.
    known |= set(re.findall(r"\"(ansible-test-\w+)\"", sessions))
    for names in re.findall(r"^\$ make (?:\w+=\S+ )*([a-z][a-z0-9. -]*)", example.text, re.MULTILINE):
        assert {re.sub(r"-\d\.\d+-\d\.\d+$", "", name) for name in names.split()} <= known
    for playbook in re.findall(r"ansible-playbook cortexapps\.cortex\.(\w+)", example.text):
        assert (ROOT / "playbooks" / f"{playbook}.yml").is_file()
    for module in re.findall(r"ansible-doc (?:-t module )?cortexapps\.cortex\.(\w+)", example.text):
        assert (ROOT / "plugins" / "modules" / f"{module}.py").is_file()
