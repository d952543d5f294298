# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the HTML documentation into a folder: `python -m tools.site FOLDER`. Any warning is an error."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TITLE = "Cortex collection for Ansible"
# The labels of Ansible's own documentation that antsibull-docs refers to. Looked up here and not over the network, so
# that the outcome is the same behind a firewall.
ANSIBLE_DOCS = "https://docs.ansible.com/ansible/latest/"
ANSIBLE_LABELS = b"""\
action_plugins std:label -1 plugins/action.html Action plugins
common_return_values std:label -1 reference_appendices/common_return_values.html Return Values
"""
CONFIGURATION = f"""
html_title = {TITLE!r}
html_static_path, html_css_files = ["static"], ["narrow.css"]
html_theme_options = {{"titles_only": True}}  # each page has its own table of contents
intersphinx_mapping = {{"ansible": ({ANSIBLE_DOCS!r}, "../ansible.inv")}}
"""
WRAP_ON_NARROW_SCREENS = ".rst-content :is(h1, td, th, td code) { white-space: normal; overflow-wrap: anywhere }"
INVENTORY_HEAD = b"# Sphinx inventory version 2\n# Project: Ansible\n# Version:\n# compressed using zlib\n"


def build(folder: Path) -> None:
    """Build the site of the collection that Ansible finds, below `folder`/html."""
    shutil.rmtree(folder, ignore_errors=True)
    rst = folder / "rst"
    for made in (folder, rst):
        made.mkdir(mode=0o700, parents=True)  # antsibull-docs wants it
    common = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    naming = ["--project", TITLE, "--title", TITLE, "--copyright", "cortexapps.cortex contributors"]
    run("antsibull-docs", "sphinx-init", *common, *naming, "--dest-dir", str(folder), "cortexapps.cortex")
    run("antsibull-docs", "collection", *common, "--dest-dir", str(rst), "cortexapps.cortex")
    shutil.copytree(ROOT / "docs" / "images", folder / "images")
    index = rst / "index.rst"
    index.write_text(arranged(index.read_text()))
    (rst / "environment_variables.rst").unlink()  # lists none
    (folder / "static").mkdir()
    (folder / "static" / "narrow.css").write_text(WRAP_ON_NARROW_SCREENS)
    (folder / "ansible.inv").write_bytes(INVENTORY_HEAD + zlib.compress(ANSIBLE_LABELS))
    with (folder / "conf.py").open("a", encoding="utf-8") as configuration:
        configuration.write(CONFIGURATION)
    run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-c", str(folder), str(rst), str(folder / "html"))


def arranged(index: str) -> str:
    """Return the index with a caption for each group of pages in the sidebar, and the plugins under Reference."""
    plugins = re.findall(r":ansplugin:`(\w+) (\w+) <\S+>` -- .+?(\(internal\))?$", index, re.MULTILINE)
    plugins.sort(key=lambda plugin: plugin[2])
    reference = ":caption: Reference\n    :maxdepth: 1\n\n"
    listed = "".join(f"    {name} {kind} {note} <{name}_{kind}>\n" for name, kind, note in plugins)
    index = re.sub(r"\.\. toctree::\n    :maxdepth: 1\n    :hidden:\n\n(    \w+\n)+", "", index)
    index = re.sub(r"^(\w+)\n-+\n\n\.\. toctree::\n", r".. toctree::\n    :caption: \1\n", index, flags=re.MULTILINE)
    index = index.replace(".. contents::\n   :local:\n   :depth: 1\n", "").replace(reference, reference + listed)
    return index.replace("Cortexapps.Cortex", "cortexapps.cortex")


def run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{command[0]} ended with status {done.returncode}")


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
    print(f"Built: {sys.argv[1]}/html/index.html")
