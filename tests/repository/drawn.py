"""The parts of docs/ that are drawn from the code: settings, problems, commands, rights; and .env.example.

    python tests/repository/drawn.py        writes them anew (`make docs`)

In a document the drawn part stands between `<!-- drawn: NAME -->` and `<!-- end of NAME -->`; the rest is written by
people. tests/repository/test_docs.py fails where a drawn part is not what the code says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from schemas.problems import CATALOGUE, RETIRED
from server.auth.rights import ACTION_NAMES, RIGHTS, ROLES
from server.cli import found_commands
from server.settings import env_example, setting_fields

ROOT = Path(__file__).resolve().parents[2]


def settings_table() -> str:
    """Every setting, what it is for, and what holds where it is unset."""
    lines = ["| setting | what it is for | unset |", "|---|---|---|"]
    for item in setting_fields():
        default = str(item.default).lower() if isinstance(item.default, bool) else str(item.default)
        lines.append(f"| `{item.metadata['env']}` | {item.metadata['doc']} | {f'`{default}`' if default else ''} |")
    return "\n".join(lines)


def problems_table() -> str:
    """Every problem code, and what former codes became."""
    lines = ["| code | status | what is wrong | yang salah | what to do | details |", "|---|---|---|---|---|---|"]
    for code, problem in CATALOGUE.items():
        details = ", ".join(f"`{name}`" for name in problem.details)
        status = problem.status or "an item"
        lines.append(f"| `{code}` | {status} | {problem.title} | {problem.title_id} | {problem.action} | {details} |")
    lines += [f"| `{code}` | retired | see `{now}` | | | |" for code, now in RETIRED.items()]
    return "\n".join(lines)


def rights_table() -> str:
    """Who may do what inside the areas of the account: a line for each action, a column for each role."""
    lines = ["| action | in words | " + " | ".join(f"`{role}`" for role in ROLES) + " |"]
    lines.append("|---" * (len(ROLES) + 2) + "|")
    for action, roles in RIGHTS.items():
        marks = " | ".join("yes" if role in roles else "" for role in ROLES)
        lines.append(f"| `{action}` | {ACTION_NAMES[action]} | {marks} |")
    return "\n".join(lines)


def commands_list() -> str:
    """Every command with its options, in the words of its own help."""
    blocks = [block for command in found_commands() for block in _command("padan", command)]
    return "\n\n".join(blocks)


def _command(parent: str, command: click.Command) -> Iterator[str]:
    name = f"{parent} {command.name}"
    context = click.Context(command, info_name=name)
    arguments = [item.make_metavar(context) for item in command.params if isinstance(item, click.Argument)]
    lines = [f"### `{' '.join([name, *arguments])}`", "", _plain(command.help or "")]
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    if options:
        lines.append("")
    for option in options:
        lines.append(f"- `{', '.join(option.opts + option.secondary_opts)}` {_plain(option.help or '')}".rstrip())
    yield "\n".join(lines)
    if isinstance(command, click.Group):
        for each in sorted(command.commands):
            yield from _command(name, command.commands[each])


def _plain(text: str) -> str:
    return " ".join(text.replace("\b", "").split())


DRAWN: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("docs/operations.md", settings_table),
    "rights": ("docs/operations.md", rights_table),
    "problems": ("docs/problems.md", problems_table),
    "commands": ("docs/commands.md", commands_list),
}


def block(name: str, text: str) -> str:
    """The drawn part as it stands in a document."""
    return f"<!-- drawn: {name} -->\n{text}\n<!-- end of {name} -->"


def with_block(document: str, name: str, text: str) -> str:
    """The document with its drawn part replaced. Raises `ValueError` where it has none."""
    marks = re.compile(rf"<!-- drawn: {name} -->.*?<!-- end of {name} -->", re.DOTALL)
    if not marks.search(document):
        raise ValueError(f"the document has no <!-- drawn: {name} -->")
    return marks.sub(lambda _: block(name, text), document)


def main() -> None:
    """Write all drawn parts."""
    for name, (path, draw) in DRAWN.items():
        document = ROOT / path
        document.write_text(with_block(document.read_text(encoding="utf-8"), name, draw()), encoding="utf-8")
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")


if __name__ == "__main__":
    main()
