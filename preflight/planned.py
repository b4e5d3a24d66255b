"""An answered plan in the forms asked for, each with the file that it goes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from preflight.capture import plain
from preflight.errors import UsageError
from preflight.outputs import STDOUT, writable
from preflight.plan.host_vars import host_vars
from preflight.planning import Answer
from preflight.render import plan_json, plan_markdown, plan_terminal, plan_witness


@dataclass(frozen=True)
class Written:
    """Where it goes besides the screen; checked before anything is computed."""

    json: str | None
    markdown: str | None
    host_vars: str | None

    def __post_init__(self) -> None:
        paths = [path for path in (self.json, self.markdown, self.host_vars) if path]
        if paths.count(STDOUT) > 1:
            raise UsageError("two outputs want standard output")
        for path in paths:
            if path != STDOUT:
                writable(Path(path))

    @property
    def takes_stdout(self) -> bool:
        return STDOUT in (self.json, self.markdown, self.host_vars)

    def files(self, answer: Answer) -> Iterator[tuple[str, bytes]]:
        """Each file with its bytes; no variables where nothing fits."""
        if self.json:
            yield self.json, plan_json.to_json(document(answer))
        if self.markdown:
            yield self.markdown, _markdown(answer).encode()
        if self.host_vars and answer.chosen is not None:
            yield self.host_vars, variables(answer)

    def terminal(self, answer: Answer, *, width: int, color: bool, unicode: bool) -> str:
        if answer.comparison is not None:
            return plan_terminal.render_comparison(answer.comparison, width=width, color=color)
        if answer.witness is not None:
            return plan_witness.render(answer.plan, answer.witness, width=width)
        return plan_terminal.render(
            answer.plan, answer.shown, width=width, color=color, unicode=unicode
        )


def _markdown(answer: Answer) -> str:
    if answer.comparison is not None:
        return plan_markdown.render_comparison(answer.comparison)
    return plan_markdown.render(answer.plan, answer.shown)


def document(answer: Answer) -> dict[str, object]:
    if answer.comparison is not None:
        return plan_json.compared(answer.comparison)
    told = plan_json.document(answer.plan, answer.choice)
    if answer.witness is not None:
        told["compared"] = plan_witness.document(answer.witness)
    return told


def variables(answer: Answer) -> bytes:
    """host_vars of the host: the roles' own variables, as YAML."""
    assert answer.chosen is not None
    told = host_vars(answer.plan, answer.chosen)
    name = plain(answer.plan.model.name).replace("\n", " ")
    head = (
        f"# {answer.chosen.layout.name} of {name}, by preflight plan.\n"
        "# `model` is a folder in vllm_model_dir, or the name of one of vllm_models.\n"
    )
    return (head + yaml.safe_dump(told, sort_keys=False, allow_unicode=True)).encode()
