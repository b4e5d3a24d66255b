"""The use case of `preflight plan`: a question in a person's words, answered.

The model may come from a folder, the catalogue or the hub; the cards from their names or from a
host's report. Nothing else is read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from preflight.catalog.vllm_versions import proven
from preflight.errors import CannotJudge, UsageError
from preflight.facts import Facts, Missing
from preflight.layout import Layout, parse
from preflight.parsers import parse as parse_log
from preflight.plan import cards, cost, given, lookup, online, witness
from preflight.plan.answer import Candidate, Plan, plan
from preflight.plan.arrangements import Cards
from preflight.plan.comparison import Comparison, Need, compare, option
from preflight.plan.cost import Price
from preflight.plan.fields import HINT
from preflight.plan.ranking import Choice
from preflight.plan.shapes import Model
from preflight.plan.usable import listed, plannable, trouble
from preflight.plan.wish import Aim, Wish

INPUT, OUTPUT = 512, 128  # tokens of a request, where nothing is said
_SETTING = re.compile(r"(?:--)?([A-Za-z][A-Za-z0-9_.-]{0,79})=(.{0,2000})", re.DOTALL)
_MOST_SETTINGS, _MOST_PRICES_BYTES = 100, 1 << 20
_WHOLE, _DECIMAL = re.compile(r"-?\d{1,15}"), re.compile(r"-?\d{1,15}\.\d{1,15}")
_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Question:
    """What `preflight plan` was asked, as typed; `gpus` () where a host's report has them."""

    model: str
    vllm_version: str
    gpus: tuple[str, ...] = ()
    layout: str | None = None
    aim: Aim = "throughput"
    concurrency: int = 32
    input_tokens: int | None = None
    output_tokens: int | None = None
    settings: tuple[str, ...] = ()  # "max-num-seqs=64"
    flags: Mapping[str, object] = field(default_factory=dict)  # settings with options of their own
    prices: tuple[str, ...] = ()  # one for all cards, or one for each of `gpus`
    price_file: Path | None = None
    power_price: str | None = None
    need: Need = field(default_factory=Need)
    log: Mapping[str, Any] | None = None  # of --compare, as `parse vllm-log` gives it


@dataclass(frozen=True)
class Answer:
    """Of one set of cards `plan` and `choice`, of several a `comparison`."""

    plan: Plan
    choice: Choice
    layout: Layout | None = None
    comparison: Comparison | None = None
    witness: witness.Witness | None = None
    need: Need = field(default_factory=Need)
    trouble: str = ""  # why no server starts on the host before its driver is mended
    is_enough: bool = True  # for that need: the layout that was asked for, else the one to take

    @property
    def chosen(self) -> Candidate | None:
        """The layout that was asked for, else the one to take."""
        if self.layout is None:
            return self.choice.recommended
        found = self.asked
        return found if found.fits else None

    @property
    def asked(self) -> Candidate:
        assert self.layout is not None
        return next(one for one in self.plan.candidates if one.layout.name == self.layout.name)

    @property
    def shown(self) -> Choice:
        """What a person is shown first: the layout that was asked for, and what would be best."""
        if self.layout is None:
            return self.choice
        refusal, name = self.asked.refusal, self.layout.name
        words = f"{name} does not fit: {refusal.reason}" if refusal else f"{name} fits"
        if not refusal and not self.is_enough:
            words += f", and is not enough: {self.need.words}"
            return Choice(self.chosen, f"{words}. {self.choice.why}")
        is_best = self.choice.recommended is self.asked
        return Choice(self.chosen, self.choice.why if is_best else f"{words}. {self.choice.why}")

    @property
    def is_good(self) -> bool:
        """It fits, or the cheapest that is enough was found; and the log bears it out."""
        if self.witness is not None:
            return self.witness.agrees and not self.witness.flagged
        if self.comparison is not None:
            return self.comparison.recommended is not None
        return self.chosen is not None and self.is_enough

    @property
    def exit_status(self) -> int:
        """0 it fits, 1 not; 3 where it would, and the host cannot show it as it stands."""
        return 1 if not self.is_good else 3 if self.trouble else 0


def question(model: str, options: Mapping[str, Any]) -> Question:
    """From the command line's options; UsageError for a log that is none, or an endless need."""
    if not math.isfinite(options["min_decode"] or 0.0):
        raise UsageError(f"--min-decode {options['min_decode']} is no number of tokens a second")
    flags = ("max_model_len", "quantization", "kv_cache_dtype")
    given: dict[str, object] = {name: options[name] for name in flags}
    given["enforce_eager"] = options["enforce_eager"] or None
    same = (
        *("gpus", "layout", "aim", "concurrency", "input_tokens", "output_tokens"),
        *("settings", "prices", "power_price"),
    )
    return Question(
        model=model,
        vllm_version=options["vllm_version"] or proven(),
        flags=given,
        price_file=Path(options["price_file"]) if options["price_file"] else None,
        need=Need(options["min_decode"], options["min_concurrency"]),
        log=_log(options["log_path"]) if options["log_path"] else None,
        **{name: options[name] for name in same},
    )


def answer(question: Question, facts: Facts | None = None) -> Answer:
    """UsageError for what cannot be understood; CannotJudge where a host's cards are not known."""
    overrides = settings(question)
    model = _model(question.model, overrides)
    wish = _wish(question, overrides)
    if len(question.gpus) > 1:
        if question.log is not None:
            raise UsageError("--compare: a log is of one set of cards", "give --gpus once")
        return _compared(model, question, wish)
    name = question.gpus[0] if question.gpus else ""
    left_out: tuple[str, ...] = ()
    broken = trouble(facts) if facts is not None and not name else ""
    if name or facts is None:
        facts, devices = None, _named(name)
    else:
        order = listed(facts)
        facts, left_out = plannable(facts)
        devices = _of(facts, order, left_out)
    wish = replace(wish, price=_price(question, name, 0))
    made = plan(model, devices, wish, facts)
    made = replace(made, notes=(*left_out, *made.notes))
    told = None
    if question.log is not None:
        assert wish.layout is not None
        told = witness.compare(_layout(made, wish.layout), question.log)
    need = question.need
    best = option(name, made, need)
    tested = option(name, made, need, wish.layout) if wish.layout else best
    is_enough = tested.is_enough or not need.is_asked
    shown = Answer(made, best.choice, wish.layout, witness=told, need=need, trouble=broken)
    return replace(shown, is_enough=is_enough)


def settings(question: Question) -> dict[str, object]:
    """vLLM's settings by their names with underscores; what the person set beats the log's."""
    found = dict(witness.overrides(question.log)) if question.log else {}
    for text in question.settings[:_MOST_SETTINGS]:
        match = _SETTING.fullmatch(text)
        if match is None:
            raise UsageError(f"--set {text[:80]!r} is no setting", "--set max-num-seqs=64")
        name, value = match[1].replace("-", "_"), _value(match[2])
        given.check(name, value)
        given.check_known(name, _version(question))
        found[name] = value
    found |= {name: value for name, value in question.flags.items() if value is not None}
    return found


def _version(question: Question) -> str:
    """The log's own, where one is compared."""
    return str((question.log or {}).get("version") or question.vllm_version)


def _log(path: str) -> Mapping[str, Any]:
    try:
        return parse_log("vllm-log", Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def _value(text: str) -> object:
    if text.lower() in _TRUTHS:
        return _TRUTHS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _model(name: str, overrides: Mapping[str, object]) -> Model:
    if not name.strip():
        raise UsageError("no model: its name is empty", HINT)
    model = lookup.find(name)
    method = overrides.get("quantization")
    return online.quantised(model, str(method)) if method else model


def _wish(question: Question, overrides: Mapping[str, object]) -> Wish:
    wanted = parse(question.layout) if question.layout else None
    if question.log is not None:
        wanted = wanted or witness.layout(question.log)
    concurrency = question.need.concurrency or question.concurrency
    put, taken = _lengths(question, overrides)
    power = cost.of_power(question.power_price) if question.power_price else None
    return Wish(
        vllm_version=_version(question),
        aim=question.aim,
        concurrency=concurrency,
        input_tokens=put,
        output_tokens=taken,
        layout=wanted,
        overrides=overrides,
        power_price=power,
    )


def _lengths(question: Question, overrides: Mapping[str, object]) -> tuple[int, int]:
    """Those of the published measurements, in a shorter context a quarter for the answer."""
    length = str(overrides.get("max_model_len") or "")
    whole = int(length) if length.isdigit() else 0
    put, taken = INPUT, OUTPUT
    if 0 < whole < INPUT + OUTPUT:
        put, taken = max(whole - whole // 4, 1), max(whole // 4, 1)
    return question.input_tokens or put, question.output_tokens or taken


def _named(name: str) -> Cards:
    if not name:
        raise UsageError("no cards", 'give --gpus "2x RTX 4090", --host HOST or --capture FILE')
    return cards.parse(name)


def _of(facts: Facts, order: tuple[str, ...], left_out: tuple[str, ...]) -> Cards:
    devices = cards.from_facts(facts, order)
    if isinstance(devices, Missing):
        raise CannotJudge(f"the host's cards cannot be planned for: {devices}")
    if not devices:
        raise CannotJudge("the host has no card that can be used", "; ".join(left_out)[:500])
    return devices


def _compared(model: Model, question: Question, wish: Wish) -> Answer:
    options = []
    for number, name in enumerate(question.gpus):
        priced = replace(wish, price=_price(question, name, number))
        made = plan(model, cards.parse(name), priced)
        options.append(option(name, made, question.need, wish.layout))
    compared = compare(options, question.need)
    best = compared.recommended or compared.options[0]
    return Answer(best.plan, best.choice, wish.layout, comparison=compared)


def _layout(made: Plan, wanted: Layout) -> Candidate:
    return next(one for one in made.candidates if one.layout.name == wanted.name)


def _price(question: Question, name: str, number: int) -> Price | None:
    """By the file's own name for the cards, else by place; one price alone is that of all."""
    told = _prices(question.price_file).get(name) if question.price_file and name else None
    if told is None and question.prices:
        if len(question.prices) not in (1, max(len(question.gpus), 1)):
            raise UsageError(
                f"{len(question.prices)} prices for {len(question.gpus)} sets of cards",
                "one --price for each --gpus, in the same order",
            )
        told = question.prices[number if len(question.prices) > 1 else 0]
    return cost.hourly(told) if told is not None else None


def _prices(path: Path | None) -> Mapping[str, str]:
    """A YAML file of `"2x RTX 4090": 0.80/h` lines."""
    assert path is not None
    try:
        if path.stat().st_size > _MOST_PRICES_BYTES:
            raise UsageError(f"{path}: too large for a list of prices")
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: no list of prices ({type(error).__name__})") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: no list of prices", '"2x RTX 4090": 0.80/h')
    plain = {
        name: price for name, price in document.items() if isinstance(price, (str, int, float))
    }
    return {str(name): str(price) for name, price in plain.items()}
