"""What a person reads at the end of a deployment: where it serves, what failed, what to do now."""

from __future__ import annotations

import re

from preflight.deploy.outcome import HostOutcome, Outcome
from preflight.render.page import Page, Span

_SHOWN = 6  # changed tasks named of one host


def render(outcome: Outcome, *, width: int, color: bool, unicode: bool) -> str:
    """One block a host, then the folder of the artifacts and the next step."""
    page = Page(width, color=color, unicode=unicode)
    for host in outcome.hosts.values():
        _host(page, host, outcome)
    if outcome.trouble:
        page.paragraph(Span("Ansible ended before any host was played:", "bold red"))
        _lines(page, outcome.trouble)
    page.blank()
    page.paragraph(str(outcome.folder), mark=Span("Kept:", "bold"))
    page.paragraph(_next(outcome), mark=Span("Next:", "bold"))
    return page.finish()


def _host(page: Page, host: HostOutcome, outcome: Outcome) -> None:
    name = Span(f"{host.name}:", "bold")
    if host.failure is None:
        page.paragraph(name, Span(_done(host, outcome), "bold green" if host.was_played else "red"))
        for url in host.urls:
            page.paragraph(url, indent=4)
        _changed(page, host, outcome.is_check)
        return
    page.paragraph(name, Span(_failed(host), "bold red"))
    _lines(page, host.failure.message)
    page.paragraph(_what_to_do(host, outcome), mark=Span("→", "cyan"), indent=4)


def _done(host: HostOutcome, outcome: Outcome) -> str:
    if not host.was_played:
        return "no play ran there"
    if outcome.is_check:
        return "checked, nothing was done"
    return f"{outcome.layout} serves" if host.urls else "done"


def _changed(page: Page, host: HostOutcome, is_check: bool) -> None:
    if not host.changes:
        page.paragraph("nothing to change" if is_check else "nothing changed", indent=4)
        return
    shown = host.changed[:_SHOWN]
    left = host.changes - len(shown)
    more = [f"{left} {'more' if shown else 'not to be named'}"] if left > 0 else []
    words = "would change" if is_check else "changed"
    page.paragraph(f"{host.changes} {words}: {', '.join([*shown, *more])}", indent=4)


def _failed(host: HostOutcome) -> str:
    assert host.failure is not None
    if host.failure.kind == "unreachable":
        return "unreachable"
    if host.refused:
        return "refused by the gate" + ("" if host.changes else ", nothing was changed")
    return f"failed at {host.failure.task}"


def _what_to_do(host: HostOutcome, outcome: Outcome) -> str:
    assert host.failure is not None
    if host.failure.kind == "unreachable":
        return "Log in there by ssh once: it must let you in without a question."
    if host.refused:
        return (
            f"The whole report: {outcome.folder / 'evidence' / _folder(host.name) / 'report.txt'}"
        )
    return f"The whole output: {outcome.folder / 'ansible' / 'stdout'}"


def _folder(host: str) -> str:
    """As role preflight names it (preflight_host_folder)."""
    return re.sub(r"[^A-Za-z0-9._@-]", "_", host)


def _lines(page: Page, text: str) -> None:
    for line in filter(str.strip, text.splitlines()):
        page.paragraph(line, indent=4)


def _next(outcome: Outcome) -> str:
    if outcome.exit_status:
        return "mend what is named above and run the same command again; what is done stays done."
    if outcome.is_check:
        return "run the same command without --check."
    urls = [url for host in outcome.hosts.values() for url in host.urls]
    return f"ask it for its models: {urls[0]}/models" if urls else "nothing; it is as it should be."
