"""argv to use case to renderer to exit status; the only file that prints or exits.

Whatever `--help` does not need is imported where it is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from preflight import __version__
from preflight.errors import PreflightError, UsageError

if TYPE_CHECKING:
    from preflight.acceptance import Judged
    from preflight.facts import Facts
    from preflight.findings import Level
    from preflight.outputs import Outputs
    from preflight.purpose import Purpose
    from preflight.render.progress import Progress
    from preflight.transport import Request

_TOKENS = click.IntRange(1, 10_000_000)
COMMANDS_TO_COME = {
    "fleet": "checks an inventory",
    "redact": "makes a capture fit to be shown",
    "diff": "compares two reports",
    "verify": "checks a signed report",
}
EXIT_STATUS = """\b
Exit status:
  0    accepted (with warnings too; --strict makes those 1)
  1    rejected
  2    usage or bad input
  3    could not be judged: unreachable, login, host key, time-out,
       or a required fact is unknown
  70   a defect in preflight
  130  interrupted
Several hosts: the highest of 0 to 3."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the status of the design's table."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = cli.main(_with_check(arguments), prog_name="preflight", standalone_mode=False)
    except PreflightError as error:
        status = _complain(str(error), error.hint, error.exit_status)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else str(error), err=True)
        status = UsageError.exit_status
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"{context.command_path} --help says what it takes" if context else ""
        status = _complain(error.format_message(), hint, UsageError.exit_status)
    except (KeyboardInterrupt, click.Abort):
        status = _complain("interrupted", "", 130)
    except BrokenPipeError:  # the reader of a pipe has gone: not our fault, nothing to say
        _forget_stdout()
        status = 0
    except Exception:  # noqa: BLE001 - the one place where a defect becomes a line and a file
        status = _complain(*_defect())
    sys.exit(status)


def _with_check(arguments: list[str]) -> list[str]:
    """`preflight HOST…` is short for `preflight check HOST…`."""
    first = arguments[0] if arguments else "--help"
    own = {"--help", "-h", "--version", *cli.commands}
    return arguments if first in own else ["check", *arguments]


def _forget_stdout() -> None:
    """Nobody reads it any more; what is still buffered must not fail when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, hint: str, status: int) -> int:
    click.echo(f"preflight: {message}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)
    return status


def _defect() -> tuple[str, str, int]:
    import tempfile
    import traceback

    descriptor, path = tempfile.mkstemp(prefix="preflight-defect-", suffix=".txt")
    with os.fdopen(descriptor, "w") as file:
        file.write(f"preflight {__version__}, Python {sys.version}\n{traceback.format_exc()}")
    return f"a defect in preflight: {sys.exception()!r:.200}", f"the traceback is in {path}", 70


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"""\b
Examples:
  preflight root@gpu01                   judge a host over SSH
  preflight gpu01 gpu02 --json fleet.json
  preflight check --capture gpu01.json   judge saved evidence again
  preflight demo                         see it without a GPU
  preflight explain pcie-link-width      what a check means
  preflight plan 8b --gpus "RTX 4090"    which vLLM layout fits, and how fast

{EXIT_STATUS}""",
)
@click.version_option(__version__, prog_name="preflight", message="%(prog)s %(version)s")
def cli() -> None:
    """Judge a GPU host before money changes hands: is it what was promised, is it healthy?

    `preflight HOST…` is short for `preflight check HOST…`. Nothing is installed on the host,
    nothing is changed there, and nothing stays behind.
    """


def _report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that ends in a report."""
    for option in (
        click.option("--strict", is_flag=True, help="Exit with 1 on warnings too."),
        click.option("-v", "--verbose", is_flag=True, help="Show every finding, passes too."),
        click.option(
            "--save-capture",
            metavar="FILE",
            help="Keep the raw evidence; with several hosts a folder, one file a host.",
        ),
        click.option(
            "--for",
            "use",
            metavar="LAYOUT[:MODEL]",
            help="Judge for one use: tpN, ppN, tpNppM, replicas or split, such as tp2.",
        ),
        click.option("--json", "json_path", metavar="FILE", help="Write the report as JSON."),
        click.option(
            "--policy",
            default="default",
            metavar="NAME|FILE",
            show_default=True,
            help="Judge by default, production, tenant (inside a rented container or guest) or a "
            "YAML file of your own.",
        ),
        click.option(
            "--level",
            type=click.Choice(["look", "measure", "soak"]),
            default="measure",
            show_default=True,
            help="look: read only, seconds. measure: short measurements besides, about a minute. "
            "soak is not there yet.",
        ),
    ):
        command = option(command)
    return command


@cli.command(
    epilog=f"""FILE may be - for standard output; the report for people then goes to standard error.

\b
Examples:
  preflight root@gpu01 --save-capture gpu01.json
  preflight check gpu0{{1,2,3}} --policy production --json reports.json
  preflight check --capture gpu01.json --policy tenant -v
  preflight check --capture nvidia-bug-report.log.gz
  preflight check gpu01 --for tp2        can it carry tensor parallelism over two cards?
  preflight gpu01 --level look           read only, no load, seconds
  preflight gpu01 --within 30s           measure what fits into half a minute
  preflight localhost                    this machine, without SSH

{EXIT_STATUS}"""
)
@click.argument("hosts", nargs=-1, metavar="[USER@]HOST[:PORT]...")
@_report_options
@click.option(
    "--capture",
    "capture_path",
    metavar="FILE",
    help="Judge saved evidence, offline: a capture, or nvidia-bug-report.log.gz.",
)
@click.option(
    "--own",
    "own_units",
    multiple=True,
    metavar="UNIT",
    help="Leave out what this systemd unit of yours does on the cards (vllm@.service: each "
    "instance). May be given several times.",
)
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="LAYOUT:CARDS",
    help="With --for, judge a server on cards that you choose, such as tp2:2,3 (numbers as "
    "nvidia-smi counts). Once for each server.",
)
@click.option(
    "--accept-new-host-key",
    is_flag=True,
    help="Trust and remember the key of a host never seen before. A changed key is refused always.",
)
@click.option(
    "-K",
    "--ask-sudo-password",
    is_flag=True,
    help="Ask for sudo's password, for sources that only root may read.",
)
@click.option("--no-sudo", is_flag=True, help="Never use sudo on the host, not even without one.")
@click.option(
    "--within",
    metavar="TIME",
    help="Fit the measuring into this time, such as 10m; what is left out is said.",
)
@click.option(
    "--while-in-use",
    is_flag=True,
    help="Measure cards that others compute on, too. Their work and the figures both suffer.",
)
@click.option(
    "--disk-write",
    is_flag=True,
    help="Where no large file lies beside the models, write a temporary one and read that.",
)
def check(hosts: tuple[str, ...], capture_path: str | None, **options: Any) -> int:
    """Judge hosts over SSH, or saved evidence."""
    if bool(hosts) == bool(capture_path):
        raise UsageError(
            "give one or more hosts, or --capture FILE"
            if not hosts
            else "--capture judges saved evidence: leave the hosts out",
            "preflight check --help",
        )
    from dataclasses import replace
    from pathlib import Path

    from preflight.acceptance import judge_hosts, judge_saved

    outputs = _outputs(options, several=len(hosts) > 1)
    policy, purpose = options["policy"], _purpose(options)
    if capture_path:
        _level(options)  # a capture has its own; what is not there yet is refused all the same
        judged = [judge_saved(Path(capture_path), policy, purpose)]
    else:
        request = _request(options)
        with _progress(hosts) as progress:
            asking = replace(request, ask=_asking(progress))
            judged = judge_hosts(hosts, asking, policy, progress, purpose)
    return _deliver(judged, outputs, options)


@cli.command(
    epilog="""\b
Examples:
  preflight demo                  a good pair of RTX 4090
  preflight demo --list
  preflight demo lost-card -v"""
)
@click.argument("machine", required=False)
@click.option("--list", "list_machines", is_flag=True, help="List the simulated machines.")
@_report_options
def demo(machine: str | None, list_machines: bool, **options: Any) -> int:
    """Judge a simulated host: no GPU, no SSH server, no set-up.

    The real probe runs as a process against recorded tools, files and NVML.
    """
    from preflight.demo import machines

    if list_machines:
        known = machines()
        width = max(map(len, known))
        for name, description in known.items():
            click.echo(f"{name:<{width}}  {description}")
        return 0
    from preflight.acceptance import judge_demo

    outputs = _outputs(options, several=False)
    policy = options["policy"]
    with _progress([machine] if machine else []) as progress:
        judged = judge_demo(machine, _level(options), policy, progress, _purpose(options))
    return _deliver([judged], outputs, options)


@cli.command(
    epilog="""\b
Example, on a host with no way in:
  preflight probe -o probe.pyz && scp probe.pyz host:
  ssh host 'python3 probe.pyz --level look' > capture.json
  preflight check --capture capture.json"""
)
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="Where to write it; - for stdout."
)
def probe(output: str) -> int:
    """Write the probe, to be run by hand: one file, needs Python 3.8 and the driver."""
    from preflight.transport import probe_bytes

    _write(output, probe_bytes())
    return 0


@cli.command(
    "import",
    epilog="""\b
Example:
  preflight import nvidia-bug-report.log.gz -o seller.json
  preflight check --capture seller.json""",
)
@click.argument("file", metavar="FILE")
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="Where to write it; - for stdout."
)
def import_(file: str, output: str) -> int:
    """Make a capture of nvidia-bug-report.log.gz, the file that owners send and post."""
    from pathlib import Path

    from preflight.capture import encode
    from preflight.importing import load

    capture = load(Path(file))
    _write(output, encode(capture))
    if not capture.complete:
        click.echo(f"preflight: {file}: ends early; imported as far as it goes", err=True)
    return 0


@cli.command(
    epilog="""\b
Examples:
  preflight deploy tp2 root@gpu01 -e @servers.yml --check --diff
  preflight deploy tp2 root@gpu01 -e @servers.yml
  preflight deploy replicas gpu01 gpu02 -i inventory/hosts.yml

\b
Exit status:
  0    played on every host
  1    a play failed, or the gate refused a host
  2    usage or bad input
  3    a host could not be reached
  130  interrupted; nothing of the run is left running here"""
)
@click.argument("layout")
@click.argument("hosts", nargs=-1, required=True, metavar="[USER@]HOST[:PORT]...")
@click.option(
    "-i",
    "--inventory",
    metavar="FILE",
    help="An inventory of Ansible; the hosts are then names or groups of it.",
)
@click.option(
    "-e",
    "--extra-vars",
    "variables",
    multiple=True,
    metavar="KEY=VALUE|@FILE",
    help="A variable of the roles, or a file of them. May be given several times.",
)
@click.option("--check", "is_check", is_flag=True, help="Change nothing, say what would change.")
@click.option("--diff", "with_diff", is_flag=True, help="Keep what changes in files, line by line.")
@click.option(
    "--artifacts",
    default="preflight-deploy",
    show_default=True,
    metavar="FOLDER",
    help="Where each run leaves its output, events, reports and captures.",
)
@click.option(
    "-K", "--ask-sudo-password", is_flag=True, help="Ask for sudo's password on the hosts."
)
def deploy(layout: str, hosts: tuple[str, ...], artifacts: str, **options: Any) -> int:
    """Install a layout by its playbook and wait until it serves.

    LAYOUT is tpN, ppN, tpNppM, replicas or split. Each host is judged for it first.
    """
    from pathlib import Path

    from preflight.deploy.play import Wanted
    from preflight.deploy.play import deploy as play
    from preflight.deploy.progress import Progress
    from preflight.deploy.summary import render
    from preflight.layout import parse as parse_layout

    password = _sudo_password(options)
    del options["ask_sudo_password"]
    wanted = Wanted(parse_layout(layout), hosts, sudo_password=password, **options)
    progress = Progress(sys.stderr)
    try:
        outcome = play(wanted, Path(artifacts), progress)
    finally:
        progress.close()
    click.echo(render(outcome, **_look(sys.stdout)), nl=False)
    return outcome.exit_status


@cli.command(
    epilog="""\b
Examples:
  preflight plan llama-3.1-70b-awq --gpus "2x RTX 4090"
  preflight plan ./my-model --capture gpu01.json --write host_vars/gpu01.yml
  preflight plan 8b --gpus "RTX 4090" --gpus "RTX 5090" --price 0.35/h --price 0.70/h
  preflight plan 8b --gpus "H100 SXM" --compare vllm.log

\b
Exit status:
  0    fits (the layout asked for, the cheapest that is enough, and as the log tells)
  1    nothing fits, nothing is enough, or the log tells otherwise
  2    usage or bad input
  3    the host or the hub was not reached, or the host's cards are not known"""
)
@click.argument("model")
@click.option(
    "--gpus", multiple=True, metavar="CARDS", help='Such as "2x RTX 4090"; several compare.'
)
@click.option("--host", metavar="[USER@]HOST[:PORT]", help="Plan for the cards of this host.")
@click.option("--capture", "capture_path", metavar="FILE", help="Plan for those of saved evidence.")
@click.option("--layout", metavar="LAYOUT", help="tpN, ppN, tpNppM, replicas or split.")
@click.option(
    "--for",
    "aim",
    type=click.Choice(["throughput", "latency", "context", "cost"]),
    default="throughput",
    show_default=True,
    help="What the recommended layout is to be best at.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 4096),
    default=32,
    show_default=True,
    metavar="REQUESTS",
    help="How many at once layouts are ranked and priced for.",
)
@click.option(
    "--input", "input_tokens", type=_TOKENS, metavar="TOKENS", help="Of a prompt.  [default: 512]"
)
@click.option(
    "--output",
    "output_tokens",
    type=_TOKENS,
    metavar="TOKENS",
    help="Of its answer.  [default: 128]",
)
@click.option("--max-model-len", metavar="TOKENS", help="Ask for this length; the longest else.")
@click.option("--quantization", metavar="METHOD", help="Quantise a 16-bit model while it loads.")
@click.option("--kv-cache-dtype", metavar="TYPE", help="Such as fp8.")
@click.option("--enforce-eager", is_flag=True, help="Without CUDA graphs.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any vLLM setting.")
@click.option("--vllm", "vllm_version", metavar="VERSION", help="0.20 or newer; else the roles'.")
@click.option("--price", "prices", multiple=True, metavar="PRICE", help='"0.40/h", "£350/month".')
@click.option("--prices", "price_file", metavar="FILE", help="YAML, cards to price.")
@click.option("--power-price", metavar="PRICE", help="Of one kWh.")
@click.option("--min-decode", type=click.FloatRange(0), metavar="TOK_S", help="For each request.")
@click.option(
    "--min-concurrency", type=click.IntRange(1, 4096), metavar="REQUESTS", help="So many at once."
)
@click.option("--compare", "log_path", metavar="LOG", help="vLLM's start-up log beside the plan.")
@click.option("--write", "write_path", metavar="FILE", help="The roles' variables for the layout.")
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON; - for stdout.")
@click.option("--markdown", "markdown_path", metavar="FILE", help="Write it as Markdown.")
def plan(model: str, host: str | None, capture_path: str | None, **options: Any) -> int:
    """Say which vLLM layout fits, how fast, at what cost, and why not the others."""
    from preflight.planned import Written
    from preflight.planning import answer, question

    if sum(map(bool, (host, capture_path, options["gpus"]))) > 1:
        raise UsageError("--gpus, --host and --capture each name the cards: give one of them")
    paths = [options.pop(name) for name in ("json_path", "markdown_path", "write_path")]
    written = Written(*paths)
    asked = question(model, options)
    made = answer(asked, _facts(host, capture_path))
    for path, data in written.files(made):
        _write(path, data)
    text = written.terminal(made, **_look(sys.stderr if written.takes_stdout else sys.stdout))
    click.echo(text, err=written.takes_stdout, nl=False)
    return made.exit_status


def _facts(host: str | None, capture_path: str | None) -> Facts | None:
    """What a host's evidence says of it; None where neither was named."""
    if not host and not capture_path:
        return None
    from pathlib import Path

    from preflight.acceptance import judge_hosts, judge_saved
    from preflight.transport import Request

    if capture_path:
        judged = judge_saved(Path(capture_path), "default")
    else:
        assert host is not None
        with _progress([host]) as progress:
            judged = judge_hosts([host], Request(), "default", progress)[0]
    if judged.error is not None:
        raise judged.error
    assert judged.report is not None
    return judged.report.facts


@cli.command(
    epilog="""\b
Examples:
  preflight power --gpus "2x RTX 4090" --psu "1600W ATX3.1"
  preflight power --gpus "RTX 5090 + 2x RTX 3090" --psu 2000W --host-w 400 --json -

\b
Exit status:
  0    the supply carries them (also where it is tight)
  1    it is too small
  2    usage or bad input"""
)
@click.option("--gpus", required=True, metavar="CARDS", help='Cards, such as "2x RTX 4090".')
@click.option("--psu", required=True, metavar="SUPPLY", help='Rating and standard: "1200W ATX2.4".')
@click.option(
    "--host-w",
    type=click.FloatRange(0, 10_000),
    metavar="WATTS",
    help="What the rest of the host draws at most.  [default: 250]",
)
@click.option("--json", "json_path", metavar="FILE", help="Write it as JSON; - for stdout.")
def power(gpus: str, psu: str, host_w: float | None, json_path: str | None) -> int:
    """Say whether a power supply carries these cards: for hours, for moments, cables, wall."""
    from preflight.outputs import Outputs
    from preflight.render.supply import render, to_json
    from preflight.supply import question
    from preflight.supply.sizing import size

    outputs = Outputs(json_path, None, several=False)
    sizing = size(question.gpus(gpus), question.psu(psu), host_w)
    if json_path:
        _write(json_path, to_json(sizing))
    click.echo(render(sizing), err=outputs.takes_stdout, nl=False)
    return 1 if sizing.status == "too small" else 0


@cli.command()
@click.argument("kind")
@click.argument("file")
def parse(kind: str, file: str) -> int:
    """Print one recorded output as JSON. FILE may be - for standard input.

    KIND is one of topo, p2p, smi, kernel, lspci, ipmi-sdr, ipmi-sensor, ipmi-dcmi,
    nccl-tests, nccl-debug, vllm-log.
    """
    import json
    from pathlib import Path

    from preflight.parsers import parse as parse_kind

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    facts = parse_kind(kind, data)
    click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
    return 0


@cli.command()
@click.argument("check_id", metavar="[CHECK]", required=False)
def explain(check_id: str | None) -> int:
    """Say what a check means, why it matters and how to mend it; without CHECK, list all."""
    from preflight.checks import registry
    from preflight.render.explain import explain_id

    if check_id:
        click.echo(explain_id(check_id).rstrip())
        return 0
    width = max(len(c.id) for c in registry())
    for known in registry():
        click.echo(f"{known.id:<{width}}  {known.summary}")
    return 0


def _to_come(name: str, does: str) -> click.Command:
    def refuse(words: tuple[str, ...]) -> NoReturn:
        raise UsageError(
            f"{name} ({does}) is not there yet",
            f"a host of that name is reached by: preflight check {name}",
        )

    return click.Command(
        name,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        callback=refuse,
        hidden=True,
        context_settings={"ignore_unknown_options": True},
    )


for _name, _does in COMMANDS_TO_COME.items():
    cli.add_command(_to_come(_name, _does))


def _level(options: dict[str, Any]) -> Level:
    from preflight.findings import Level

    level = Level(options["level"])
    if level is Level.SOAK:
        raise UsageError(f"--level {level} is not there yet", "use --level measure")
    return level


def _purpose(options: dict[str, Any]) -> Purpose:
    from preflight.purpose import purpose

    return purpose(options["use"], options.get("own_units", ()), options.get("servers", ()))


def _request(options: dict[str, Any]) -> Request:
    from preflight.findings import Level
    from preflight.transport import Request
    from preflight.transport.request import duration_s

    level, within = _level(options), options["within"]
    if level is Level.LOOK and (within or options["while_in_use"] or options["disk_write"]):
        raise UsageError("--within, --while-in-use and --disk-write go with --level measure")
    return Request(
        level=level,
        within_s=duration_s(within) if within is not None else None,
        while_in_use=options["while_in_use"],
        disk_write=options["disk_write"],
        sudo=not options["no_sudo"],
        sudo_password=_sudo_password(options),
        accept_new_host_key=options["accept_new_host_key"],
    )


def _sudo_password(options: dict[str, Any]) -> str | None:
    if not options["ask_sudo_password"]:
        return None
    if not sys.stdin.isatty():
        raise UsageError("-K asks for a password, and there is no terminal to ask on")
    return str(click.prompt("sudo password", hide_input=True, err=True))


def _progress(hosts: Sequence[str]) -> Progress:
    from preflight.render.progress import Progress

    return Progress(sys.stderr, hosts)


def _asking(progress: Progress) -> Callable[[str], str] | None:
    """How a passphrase is asked for: on a terminal, with the live lines out of the way."""
    if not sys.stdin.isatty():
        return None

    def ask(question: str) -> str:
        with progress.aside():
            return str(click.prompt(question, hide_input=True, err=True, prompt_suffix=" "))

    return ask


def _outputs(options: dict[str, Any], several: bool) -> Outputs:
    from preflight.outputs import Outputs

    return Outputs(options["json_path"], options["save_capture"], several)


def _deliver(judged: Sequence[Judged], outputs: Outputs, options: dict[str, Any]) -> int:
    """Write the files asked for, show the report, and give the exit status."""
    from preflight.acceptance import exit_status

    try:
        _hand_over(judged, outputs, options)
    except BrokenPipeError:  # `preflight … | head`: the verdict stands, whoever reads of it
        _forget_stdout()
    return exit_status(judged, strict=options["strict"])


def _hand_over(judged: Sequence[Judged], outputs: Outputs, options: dict[str, Any]) -> None:
    from preflight.render.json_report import to_json, to_json_array

    if outputs.capture:
        for path, one in zip(outputs.capture_paths([j.host for j in judged]), judged, strict=True):
            if one.capture is not None:
                _write(path, one.capture)
    if outputs.json:
        documents = [to_json(one) for one in judged]
        _write(outputs.json, to_json_array(documents) if outputs.several else documents[0])
    _show(judged, options, err=outputs.takes_stdout)


def _show(judged: Sequence[Judged], options: dict[str, Any], err: bool) -> None:
    from preflight.render.terminal import render, render_summary

    stream = sys.stderr if err else sys.stdout
    look = _look(stream)
    for one in judged:
        if one.report:
            click.echo(render(one.report, verbose=options["verbose"], **look), err=err, nl=False)
        elif one.error:
            _complain(str(one.error), one.error.hint, one.error.exit_status)  # names its host
    if len(judged) > 1:
        click.echo(render_summary(judged, **look), err=err, nl=False)


def _look(stream: Any) -> dict[str, Any]:
    """Width, colour and Unicode as the reader's end can show them (no-color.org)."""
    import shutil

    terminal = stream.isatty()
    color = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else 80
    encoding = (stream.encoding or "ascii").lower().replace("-", "")
    return {"width": max(width, 40), "color": color, "unicode": encoding.startswith("utf")}


def _write(path: str, data: bytes) -> None:
    from pathlib import Path

    from preflight.outputs import STDOUT, write_file

    if path == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_file(Path(path), data)
