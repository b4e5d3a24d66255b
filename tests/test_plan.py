"""`preflight plan` as its user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight.cli import main

ROOT = Path(__file__).resolve().parent.parent
HOSTS = ROOT / "tests" / "hosts"
LOG = str(ROOT / "tests" / "parsers" / "vllm-log" / "nccl.txt")
TWO = ("--gpus", "2x RTX 4090")
CONTRACT = {
    "layout",
    "fits",
    "reason",
    "per_gpu",
    "kv_cache_tokens",
    "max_model_len",
    "max_num_seqs",
    "decode_tok_s",
    "prefill_tok_s",
    "cost_per_mtok",
    "vllm",
    "env",
}
PER_GPU = {"weights_gib", "kv_cache_gib", "activation_gib", "overhead_gib", "total_gib"}


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["plan", *arguments])
    return int(str(ended.value.code))


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = _run(*arguments, "--json", "-")
    return status, json.loads(capsys.readouterr().out)


def _layout(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["layouts"] if one["layout"] == name)


def test_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = _json(capsys, "llama-3.1-70b-awq", *TWO, "--price", "£0.80/h")
    assert status == 0
    assert told["recommended"] == "tp2"
    assert told["why"]
    for one in told["layouts"]:
        assert set(one) >= CONTRACT
        assert one["fits"] is (one["reason"] is None)
        if one["fits"]:
            assert set(one["per_gpu"]) >= PER_GPU
            assert {"1", "8", "32"} <= set(one["decode_tok_s"])
            assert one["cost_per_mtok"] > 0
            assert one["currency"] == "£"
    tp2 = _layout(told, "tp2")
    assert tp2["per_gpu"]["total_gib"] <= 23.5 * 0.92 + 0.01
    assert tp2["vllm"]["tensor-parallel-size"] == 2
    assert tp2["env"]["NCCL_P2P_DISABLE"] == "1"
    each = 0.80 / 3600 / tp2["decode_tok_s"]["32"] * 1e6
    assert tp2["cost_per_mtok"] == pytest.approx(each, rel=1e-3)


@pytest.mark.parametrize(
    ("model", "gpus", "recommended", "refused"),
    [
        ("llama-3.1-70b-fp8", "2x RTX 4090", None, {"tp1", "tp2", "pp2", "replicas", "split"}),
        ("llama-3.1-70b-awq", "RTX 4090", None, {"tp1"}),
        ("llama-3.1-70b-fp8", "RTX 5090", None, {"tp1"}),
        ("llama-3.1-70b-fp8", "RTX PRO 6000 Blackwell Workstation", "tp1", set()),
        ("llama-3.1-8b", "RTX 4090 + RTX 3090", "replicas", {"tp2"}),
        ("llama-3.1-8b", "2x RTX 3050", None, {"tp1", "replicas", "split", "tp2", "pp2"}),
    ],
)
def test_what_fits(
    capsys: pytest.CaptureFixture[str],
    model: str,
    gpus: str,
    recommended: str | None,
    refused: set[str],
) -> None:
    status, told = _json(capsys, model, "--gpus", gpus)
    assert told["recommended"] == recommended
    assert status == (0 if recommended else 1)
    assert {one["layout"] for one in told["layouts"] if not one["fits"]} == refused


def test_a_mixed_group_is_refused_by_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = _json(capsys, "llama-3.1-8b", "--gpus", "RTX 4090, RTX 3090")
    tp2 = _layout(told, "tp2")
    assert "of different kinds" in tp2["reason"]
    assert "tok/s for one request" in tp2["reason"]
    assert tp2["instead"] in {"pp2", "split", "replicas"}


def test_the_layout_asked_for_decides_the_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("llama-3.1-70b-awq", *TWO, "--layout", "tp1") == 1
    assert _run("llama-3.1-70b-awq", *TWO, "--layout", "tp2") == 0
    assert _run("llama-3.1-70b-awq", *TWO, "--layout", "tp4") == 1
    capsys.readouterr()


def test_the_layout_asked_for_must_be_enough(capsys: pytest.CaptureFixture[str]) -> None:
    need = ("--min-decode", "60")
    assert _run("llama-3.1-8b", *TWO, *need) == 0
    assert _run("llama-3.1-8b", *TWO, "--layout", "tp2", *need) == 0
    capsys.readouterr()
    assert _run("llama-3.1-8b", *TWO, "--layout", "tp1", *need) == 1
    assert "is not enough: 60 tok/s" in " ".join(capsys.readouterr().out.split())


def test_what_is_said_is_of_what_is_recommended_where_the_best_is_not_enough(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, told = _json(capsys, "llama-3.1-8b", *TWO, "--min-decode", "80")
    assert status == 0
    assert told["recommended"] == "tp2"
    assert told["why"].startswith("replicas, else best for throughput, is not enough: 80 tok/s")
    assert "of those that are, tp2 is best" in told["why"]


def test_a_comparison_is_of_the_layout_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cards = ("--gpus", "RTX 3050", "--gpus", "H200")
    status, told = _json(capsys, "llama-3.1-70b-fp8", *cards, "--layout", "tp2")
    assert status == 1
    assert told["recommended"] is None


def test_replicas_of_two_kinds_read_prompts_at_their_own_speeds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def prefill(gpus: str, layout: str) -> float:
        _, told = _json(capsys, "llama-3.1-8b", "--gpus", gpus)
        return float(_layout(told, layout)["prefill_tok_s"])

    alone = prefill("RTX 4090", "tp1"), prefill("RTX 3090", "tp1")
    both = prefill("RTX 4090 + RTX 3090", "replicas")
    assert alone[0] > 1.2 * alone[1]
    assert both == pytest.approx(sum(alone), rel=0.02)


def test_no_cache_is_less_than_none(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = _json(capsys, "llama-3.1-70b-fp8", "--gpus", "RTX 3050")
    tp1 = _layout(told, "tp1")
    assert tp1["per_gpu"]["kv_cache_gib"] == 0
    assert all(rank["kv_cache_gib"] == 0 for rank in tp1["ranks"])
    assert "needs" in tp1["reason"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--vllm", "9.9.0"), "vLLM 9.9.0 is newer than the newest known here"),
        (("--set", "cpu-offload-gb=4"), "cpu-offload-gb is passed on and not counted"),
        (("--set", "enable-lora=true"), "enable-lora is passed on and not counted"),
        (("--set", "speculative-config={}"), "speculative-config is passed on"),
        (("--set", "NCCL_P2P_DISABLE=0"), "NCCL_P2P_DISABLE=0 as asked"),
        (
            ("--set", "disable-custom-all-reduce=false"),
            "disable-custom-all-reduce is not in what --write makes",
        ),
    ],
)
def test_what_a_plan_leaves_out_is_said(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert _run("llama-3.1-8b", *TWO) == 0
    assert words not in " ".join(capsys.readouterr().out.split())
    assert _run("llama-3.1-8b", *TWO, *arguments) == 0
    assert words in " ".join(capsys.readouterr().out.split())


def test_what_is_asked_is_not_turned_round(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--set", "disable-custom-all-reduce=false", "--set", "OMP_NUM_THREADS=4")
    _, told = _json(capsys, "llama-3.1-8b", *TWO, *asked)
    tp2 = _layout(told, "tp2")
    assert tp2["vllm"]["disable-custom-all-reduce"] is False
    assert tp2["env"]["OMP_NUM_THREADS"] == "4"
    assert "OMP-NUM-THREADS" not in tp2["vllm"]


def test_the_aim_moves_the_recommendation(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for aim in ("throughput", "latency", "context", "cost"):
        _, told = _json(capsys, "llama-3.1-8b", *TWO, "--for", aim)
        found[aim] = told["recommended"]
    assert found["throughput"] == "replicas"
    assert found["latency"] == "tp2"
    assert found["context"] in {"tp2", "pp2"}
    assert found["cost"] == "tp1"


def test_settings_are_taken_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--set", "max-num-seqs=4", "--set", "stream_interval=2", "--max-model-len", "2048")
    _, told = _json(capsys, "llama-3.1-8b", "--gpus", "RTX 4090", *given)
    tp1 = _layout(told, "tp1")
    assert tp1["max_num_seqs"] == 4
    assert tp1["running"]["32"] == 4
    assert tp1["vllm"]["stream-interval"] == 2
    assert tp1["vllm"]["max-model-len"] == 2048
    assert set(tp1["vllm"]) | set(tp1["env"]) == set(tp1["reasons"])


def test_variables_of_the_roles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only names that the roles' own specifications hold, in the shape that they hold."""
    path = tmp_path / "gpu01.yml"
    assert _run("llama-3.1-8b", *TWO, "--layout", "replicas", "--write", str(path)) == 0
    capsys.readouterr()
    told = yaml.safe_load(path.read_text())
    specs: dict[str, Any] = {}
    for spec in ROOT.glob("roles/*/meta/argument_specs.yml"):
        specs |= yaml.safe_load(spec.read_text())["argument_specs"]["main"]["options"]
    assert set(told) <= set(specs)
    for name in ("vllm_service_instances", "load_balancer_services"):
        for entry in told[name]:
            assert set(entry) <= set(specs[name]["options"]), name
            needed = {k for k, o in specs[name]["options"].items() if o.get("required")}
            assert needed <= set(entry), name
    assert told["preflight_layout"] == "replicas"
    assert [one["gpus"] for one in told["vllm_service_instances"]] == [[0], [1]]
    assert told["load_balancer_services"][0]["servers"] == ["127.0.0.1:8001", "127.0.0.1:8002"]


def test_hardware_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    cards = ("--gpus", "RTX 4090", "--gpus", "H100 80GB HBM3", "--price", "0.35", "--price", "2.2")
    status, told = _json(capsys, "llama-3.1-8b", *cards, "--min-decode", "100")
    assert status == 0
    assert told["recommended"] == "H100 80GB HBM3"
    assert [one["is_enough"] for one in told["options"]] == [False, True]
    status, told = _json(capsys, "llama-3.1-8b", *cards, "--min-decode", "40")
    assert told["recommended"] == "RTX 4090"
    assert _run("llama-3.1-8b", *cards, "--min-decode", "1000") == 1
    assert _run("llama-3.1-8b", *cards[:2], "--min-decode", "1000") == 1
    assert _run("llama-3.1-8b", *cards[:2], "--min-decode", "40") == 0


def test_prices_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prices.yml"
    path.write_text('"RTX 4090": 0.35/h\n"RTX 5090": $0.70/h\n')
    cards = ("--gpus", "RTX 4090", "--gpus", "RTX 5090")
    _, told = _json(capsys, "llama-3.1-8b", *cards, "--prices", str(path))
    assert [one["price_per_hour"] for one in told["options"]] == [0.35, 0.70]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("llama-3.1-8b",), "no cards"),
        (("llama-3.1-8b", *TWO, "--capture", "x"), "give one of them"),
        (("llama-3.1-8bb", *TWO), "no model"),
        (("llama-3.1-8b", "--gpus", "2x RTX 9999"), "9999"),
        (("llama-3.1-8b", *TWO, "--set", "nonsense"), "no setting"),
        (("llama-3.1-8b", *TWO, "--layout", "tp0"), "no layout"),
        (("llama-3.1-8b", *TWO, "--gpus", "H200", "--compare", LOG), "one set of cards"),
        (("llama-3.1-8b", *TWO, "--set", "max-num-seq=8"), "did you mean max-num-seqs?"),
        (("llama-3.1-8b", *TWO, "--set", "foo=1"), "vLLM 0.32.0 has no such setting"),
        (("llama-3.1-8b", *TWO, "--set", "foo=1", "--vllm", "x"), "0.20"),
        (("llama-3.1-8b", *TWO, "--set", "host=0.0.0.0"), "decide where"),
        (("llama-3.1-8b", *TWO, "--set", "port=9000"), "vllm_service_instances"),
        (("llama-3.1-8b", *TWO, "--set", "model=other"), "first argument"),
        (("llama-3.1-8b", *TWO, "--set", "served-model-name=x"), "vllm_service_instances"),
        (("llama-3.1-8b", *TWO, "--set", "api-key=abc"), "vllm_service_api_key"),
        (("llama-3.1-8b", *TWO, "--set", "VLLM_API_KEY=abc"), "secret"),
        (("llama-3.1-8b", *TWO, "--set", "HF_TOKEN=abc"), "secret"),
        (("llama-3.1-8b", *TWO, "--set", "tensor-parallel-size=2"), "--layout"),
        (("llama-3.1-8b", *TWO, "--set", "pipeline-parallel-size=2"), "--layout"),
        (("llama-3.1-8b", *TWO, "--set", "data-parallel-size=2"), "--layout"),
        (("llama-3.1-8b", *TWO, "--set", "dtype=float32"), "bfloat16"),
        (("llama-3.1-8b", *TWO, "--min-decode", "nan"), "--min-decode"),
        (("llama-3.1-8b", *TWO, "--min-decode", "inf"), "--min-decode"),
        (("", *TWO), "its name is empty"),
        (("llama-3.1-8b", *TWO, "--price", "free"), "no price"),
        (("llama-3.1-8b", *TWO, "--price", "1", "--price", "2"), "2 prices"),
        (("8b", *TWO, "--gpus", "H200", "--price", "$1", "--price", "£1"), "$ and £ cannot"),
        (("llama-3.1-8b", *TWO, "--vllm", "0.11.0"), "0.20"),
        (("llama-3.1-8b", *TWO, "--prices", "/nothing.yml"), "no list of prices"),
        (("llama-3.1-8b", *TWO, "--compare", "/nothing.log"), "No such file"),
        (("llama-3.1-8b", *TWO, "--json", "-", "--markdown", "-"), "standard output"),
        (("llama-3.1-8b", *TWO, "--write", "/nowhere/x.yml"), "does not exist"),
    ],
)
def test_one_line_for_what_is_no_question(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert _run(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert len(told.err.strip().splitlines()) <= 2


def test_a_request_that_has_no_room_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    long = ("--input", "60000", "--output", "1000")
    status, told = _json(capsys, "llama-3.1-8b", "--gpus", "RTX 4090", *long)
    assert status == 1
    assert "a request of 61000 tokens has no room" in _layout(told, "tp1")["reason"]
    status, told = _json(capsys, "llama-3.1-8b", "--gpus", "RTX 4090", "--max-model-len", "256")
    assert (status, told["input_tokens"], told["output_tokens"]) == (0, 192, 64)
    _, told = _json(capsys, "llama-3.1-8b", "--gpus", "RTX 4090", "--max-model-len", "4096")
    assert (told["input_tokens"], told["output_tokens"]) == (512, 128)


def test_markdown_is_for_a_ticket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.md"
    assert _run("llama-3.1-70b-awq", *TWO, "--markdown", str(path)) == 0
    capsys.readouterr()
    told = path.read_text()
    assert told.startswith("## llama-3.1-70b-awq on 2x GeForce RTX 4090")
    table = [line for line in told.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert "| **tp2** |" in told
    assert "- **tp1**: gpu0 needs" in told
    assert yaml.safe_load(told.split("```yaml")[1].split("```")[0])["tensor-parallel-size"] == 2


def test_a_comparison_is_for_a_ticket_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.md"
    cards = ("--gpus", "RTX 3050", "--gpus", "RTX 4090", "--gpus", "H200")
    assert _run("llama-3.1-8b", *cards, "--price", "1", "--markdown", str(path)) == 0
    capsys.readouterr()
    told = path.read_text()
    table = [line for line in told.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 3
    assert len({line.count("|") for line in table}) == 1
    assert "| **H200** | tp1 |" in told
    assert "- RTX 3050: nothing fits" in told


def test_names_of_others_are_words_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], corpus: Path
) -> None:
    """A folder's name is the model's: it must not move the cursor, nor be markup."""
    folder = tmp_path / "a\x1b[31m`|**b**<img>"
    folder.mkdir()
    config = (corpus / "models/llama-8b/config.json").read_text()
    (folder / "config.json").write_text(config)
    paths = [str(tmp_path / name) for name in ("plan.md", "plan.json", "host.yml")]
    files = ("--markdown", paths[0], "--json", paths[1], "--write", paths[2])
    assert _run(str(folder), "--gpus", "RTX 4090", *files) == 0
    shown = capsys.readouterr().out
    for text in (shown, *(Path(path).read_text() for path in paths)):
        assert "\x1b" not in text
    assert "\\|\\*\\*b" in Path(paths[0]).read_text()
    assert yaml.safe_load(Path(paths[2]).read_text())["vllm_service_instances"][0]["model"]


@pytest.mark.parametrize(
    ("model", "gpus"),
    [("qwen2.5-72b-awq", "2x RTX 4090"), ("llama-3.1-8b", "RTX 4090"), ("llama-3.1-8b", "H200")],
)
def test_as_many_requests_run_as_the_cache_holds(
    capsys: pytest.CaptureFixture[str], model: str, gpus: str
) -> None:
    """Fewer would leave cache unused, twice as many would wait and take room for graphs."""
    _, told = _json(capsys, model, "--gpus", gpus)
    for one in told["layouts"]:
        if one["fits"]:
            held = one["kv_cache_tokens"] // 640
            assert one["max_num_seqs"] <= 2 * held
            assert one["max_num_seqs"] >= min(held, 256) / 2, one["layout"]
            assert one["running"]["32"] >= min(32, held // 2)


def _host(name: str) -> tuple[str, str]:
    return "--capture", str(HOSTS / name / "capture.json")


@pytest.mark.parametrize(
    ("machine", "left_out", "cards", "fitting"),
    [
        ("rtx4090x2", (), 2, {"tp1", "tp2", "pp2", "replicas", "split"}),
        ("lost-card", ("gpu1",), 1, {"tp1"}),
        ("mig-on", ("gpu0",), 1, {"tp1"}),
        ("rtx4090-rtx3090", (), 2, {"tp1", "pp2", "replicas", "split"}),
        ("limited-and-shared", (), 2, {"tp1", "split"}),  # somebody else holds most of gpu1
    ],
)
def test_cards_that_cannot_be_used_are_not_planned_with(
    capsys: pytest.CaptureFixture[str],
    machine: str,
    left_out: tuple[str, ...],
    cards: int,
    fitting: set[str],
) -> None:
    status, told = _json(capsys, "llama-3.1-8b", *_host(machine))
    assert status == 0
    assert len(told["gpus"]) == cards
    assert {one["layout"] for one in told["layouts"] if one["fits"]} == fitting
    for subject in left_out:
        assert any(note.startswith(subject) and "left out" in note for note in told["notes"])
        for one in told["layouts"]:
            assert not any(subject in server for server in one["servers"])


def test_what_is_measured_of_a_host_is_planned_with(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = _json(capsys, "llama-3.1-70b-fp8", *_host("h100x2-measured"))
    assert {gpu["basis"]["memory_gib"] for gpu in told["gpus"]} == {"measured"}
    assert _layout(told, "tp2")["link"]["basis"] == "measured"
    assert _layout(told, "tp2")["env"] == {}


def test_a_host_without_cards_cannot_be_planned_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("llama-3.1-8b", "--host", "localhost") == 3
    assert "cannot be planned for" in capsys.readouterr().err
