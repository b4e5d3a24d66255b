"""A policy with a fault is refused in one line that names the file and the line."""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import pytest

from preflight.checks import registry
from preflight.errors import UsageError
from preflight.policy import load
from preflight.policy.document import _SCALARS, parse, value

WAIVE = "waive: [{id: xid, until: 2027-01-31, reason: known}]"
ROWS = [
    # keys
    ("reqired: {}", "1: unknown key 'reqired'; did you mean 'required'?"),
    (
        "limits:\n  pcie-link-width:\n    faill_at: 8",
        "3: unknown key 'faill_at' under limits.pcie-link-width; did you mean 'fail_at'?",
    ),
    (
        "limits:\n  pcie-linkwidth: {}",
        "2: unknown key 'pcie-linkwidth' under limits; did you mean 'pcie-link-width'?",
    ),
    ("required: {looks: []}", "1: unknown key 'looks' under required; did you mean 'look'?"),
    ("zzz: 1", "1: unknown key 'zzz'"),
    ("<<: {name: x}", "1: unknown key '<<'"),
    ("name: a\n\nname: b", "3: duplicate key 'name'"),
    ("limits:\n  xid: {fail: [1],\n   fail: [2]}", "3: duplicate key 'fail' under limits.xid"),
    ("? [a]\n: b", "1: a key: expected a text, found a list"),
    # ids
    (
        "required: {look: [xid,\n gpu-cout]}",
        "2: required.look[1]: no check 'gpu-cout'; did you mean 'gpu-count'?",
    ),
    (WAIVE.replace("id: xid", "id: xidd"), "1: waive[0].id: no check 'xidd'; did you mean 'xid'?"),
    # types
    ("limits: 5", "1: limits: expected a mapping, found '5'"),
    ("limits:", "1: limits: expected a mapping, found ''"),
    ("5", "1: the policy: expected a mapping, found '5'"),
    ("- name: x", "1: the policy: expected a mapping, found a list"),
    ("description: yes", "1: description: expected a text, found 'yes'"),
    ("name: {}", "1: name: expected a text, found a mapping"),
    ("required: {look: xid}", "1: required.look: expected a list, found 'xid'"),
    ("waive: {}", "1: waive: expected a list, found a mapping"),
    (
        "limits: {driver-version: {minimum: latest}}",
        "1: limits.driver-version: driver version is 'latest', which is no version number",
    ),
    # dates and reasons
    (WAIVE.replace("2027-01-31", "2027-02-30"), "1: waive[0].until: expected a date of the"),
    (WAIVE.replace("2027-01-31", "31.1.2027"), "1: waive[0].until: expected a date such as"),
    (WAIVE.replace("2027-01-31", "20270131"), "1: waive[0].until: expected a date such as"),
    (WAIVE.replace("2027-01-31", "[]"), "1: waive[0].until: expected a date such as"),
    (WAIVE.replace(", until: 2027-01-31", ""), "1: waive[0]: 'until' is missing"),
    (WAIVE.replace(", reason: known", ""), "1: waive[0]: 'reason' is missing"),
    (WAIVE.replace("id: xid, ", ""), "1: waive[0]: 'id' is missing"),
    (WAIVE.replace("known", "' '"), "1: waive[0].reason: expected a reason, found ' '"),
    # YAML
    ("name: [", "2: not YAML: did not find expected node content"),
    ("\tname: x", "1: not YAML: found character that cannot start any token"),
    ("name: x\n---\nname: y", "2: not YAML: but found another document"),
    ("a: &a [1]\nb: *a", "2: aliases (*a) are not taken in a policy"),
    ("name: !!python/name:os.system x", "1: tags (tag:yaml.org,2002:python/name:os.system)"),
    ("name: !secret x", "1: tags (!secret) are not taken"),
    ("limits: [[[[[[[[9]]]]]]]]", "1: nested deeper than any policy"),
    ("[" * 5000, "1: n"),
    # extends
    (
        "extends: prodction",
        "1: extends 'prodction', which is not there; did you mean 'production'?",
    ),
    ("extends: ours.yaml", "1: extends itself: ours.yaml -> ours.yaml"),
]


def refusal(path: Path | str) -> str:
    with pytest.raises(UsageError) as caught:
        load(str(path))
    return str(caught.value)


@pytest.mark.parametrize("text, message", ROWS, ids=[row[1] for row in ROWS])
def test_one_line_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(text)
    said = refusal(path)
    assert said.startswith(f"{path}:{message}")
    assert "\n" not in said


@pytest.mark.parametrize("data, message", [(b"", "empty"), (b"name: \xff", "not UTF-8 at byte 6")])
def test_no_text_at_all(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "ours.yaml"
    path.write_bytes(data)
    assert refusal(path).startswith(f"{path}: {message}")


def test_characters_that_yaml_does_not_allow(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_bytes(b"name: \x00")
    assert "not YAML: unacceptable character" in refusal(path)


def test_a_bomb_of_aliases_is_never_built(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    layers = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    path.write_text("\n".join(layers))
    assert "aliases (*a0) are not taken" in refusal(path)


def test_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("#" * (256 << 10))
    assert "empty" in refusal(path)
    path.write_text("#" * ((256 << 10) + 1))
    assert "larger than the 256 KiB of a policy" in refusal(path)


def test_a_circle_of_files(tmp_path: Path) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"# {name}\nextends: {parent}.yaml\n")
    said = refusal(tmp_path / "a.yaml")
    assert said == f"{tmp_path}/c.yaml:2: extends itself: a.yaml -> b.yaml -> c.yaml -> a.yaml"


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    assert refusal("prodction") == "no policy 'prodction'; did you mean 'production'?"
    assert refusal(tmp_path).endswith("Is a directory")


@pytest.mark.parametrize(
    "text, kind, expected",
    [
        ("8", int, 8),
        ("-8", int, -8),
        ("0", int, 0),
        ("0.5", float, 0.5),
        (".5", float, 0.5),
        ("8", float, 8.0),
        ("1e3", float, 1000.0),
        ("true", bool, True),
        ("Yes", bool, True),
        ("on", bool, True),
        ("false", bool, False),
        ("no", bool, False),
        ("off", bool, False),
        ("580.10", str, "580.10"),
        ("'on'", str, "on"),
        ("[13, 31]", tuple[int, ...], (13, 31)),
        ("[]", tuple[int, ...], ()),
        ("[a, '5']", tuple[str, ...], ("a", "5")),
    ],
)
def test_types_come_from_the_field(text: str, kind: object, expected: object) -> None:
    got = value(parse(text, "ours.yaml"), kind)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    "text, kind, message",
    [
        ("true", int, "a whole number, found 'true'"),
        ("8.0", int, "a whole number"),
        ("'8'", int, "a whole number"),
        ("010", int, "a whole number"),
        ("0x10", int, "a whole number"),
        ("1_000", int, "a whole number"),
        ("1:30", int, "a whole number"),
        ("9" * 16, int, "a whole number"),
        ("[8]", int, "a whole number, found a list"),
        ("{}", int, "a whole number, found a mapping"),
        (".inf", float, "a number"),
        (".nan", float, "a number"),
        ("1e400", float, "a number"),
        ("no", float, "a number"),
        ("1", bool, "true or false"),
        ("'true'", bool, "true or false"),
        ("[true]", bool, "true or false"),
        ("no", str, "a text"),
        ("~", str, "a text"),
        ("[x]", str, "a text"),
        ("13", tuple[int, ...], "a list"),
        ("[13, x]", tuple[int, ...], "a whole number"),
    ],
)
def test_nothing_is_bent_into_shape(text: str, kind: object, message: str) -> None:
    with pytest.raises(UsageError, match=f"expected {message}"):
        value(parse(text, "ours.yaml"), kind)


def test_every_type_of_every_limit_can_be_set() -> None:
    for check in registry():
        for kind in get_type_hints(check.limits).values():
            inner = getattr(kind, "__args__", (kind,))[0]
            assert inner in _SCALARS, f"{check.id}: {kind}"
