"""Paragraphs and columns of a given width, as text for a terminal, a pipe or a file.

Everything shown passes `Page.words`: escapes and line breaks out, long text cut, ASCII where the
reader's end has no Unicode. Markup does not exist here, so a card's name cannot bring any.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from preflight.capture import plain

NARROWEST = 20
LONGEST = 400  # characters of one value; a longer one is cut and says so
_ASCII = str.maketrans(
    {
        "→": "->",
        "·": "|",
        "…": "...",
        "°": "",
        "×": "x",
        "–": "-",
        "—": "-",
        "≥": ">=",
        "≤": "<=",
        "µ": "u",
        "✓": "+",
        "✗": "x",
        "“": '"',
        "”": '"',
        "’": "'",
        "\u00a0": " ",
    }
)
_TRAILING = re.compile(r"[ ]+((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


@dataclass(frozen=True)
class Span:
    """Words in one style ("bold red"), which only a page with colour shows."""

    text: str
    style: str = ""


Words = str | Span


class Page:
    """Collects lines; `finish` gives them as one text."""

    def __init__(self, width: int, *, color: bool, unicode: bool) -> None:
        self.width = max(width, NARROWEST)
        self._unicode = unicode
        self._console = Console(
            file=io.StringIO(),
            width=self.width,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )
        self._lines: list[Text] = []

    def words(self, text: str, longest: int = LONGEST) -> str:
        """One line of text, fit to be shown here."""
        line = " ".join(plain(text[: 8 * longest]).split())
        if len(line) > longest:
            line = line[: longest - 1] + "…"
        if self._unicode:
            return line.encode("utf-8", "replace").decode()
        return line.translate(_ASCII).encode("ascii", "replace").decode()

    def cells(self, text: str) -> int:
        """Columns that the text takes on this page."""
        return cell_len(self.words(text))

    def padded(self, text: str, width: int) -> str:
        """The text filled up with blanks, or cut, to so many columns."""
        return set_cell_size(self.words(text), width)

    def cut(self, text: str, width: int) -> str:
        """The text in so many columns, with dots where something was left out."""
        words, dots = self.words(text), self.words("…")
        if cell_len(words) <= width:
            return words
        return set_cell_size(words, max(width - len(dots), 0)).rstrip() + dots

    def blank(self) -> None:
        """An empty line, never two."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def paragraph(
        self, *words: Words, mark: Words = "", mark_width: int = 0, indent: int = 0
    ) -> None:
        """Words joined by blanks, wrapped beside their mark ("→"), which hangs out to the left."""
        text = Text(" ").join(self._span(w) for w in words if w)
        sign = Text(" " * min(indent, self.width // 8)) + self._span(mark)
        if mark or mark_width:
            sign.pad_right(max(mark_width + indent - sign.cell_len, 0) + 1)
        for number, line in enumerate(text.wrap(self._console, self.width - sign.cell_len)):
            margin = sign if number == 0 else Text(" " * sign.cell_len)
            self._lines.append(margin + line)

    def parts(
        self, parts: Sequence[str], *, mark: Words = "", mark_width: int = 0, style: str = ""
    ) -> None:
        """Parts with dots between, broken between two of them rather than within one."""
        lines = [parts[0]]
        for part in parts[1:]:
            longer = f"{lines[-1]} · {part}"
            if self.cells(longer) + mark_width < self.width:
                lines[-1] = longer
            else:
                lines.append(part)
        for number, line in enumerate(lines):
            sign = mark if number == 0 else ""
            self.paragraph(Span(line, style), mark=sign, mark_width=mark_width)

    def fits(self, rows: Sequence[Sequence[str]], gap: int = 2) -> bool:
        """Whether `table` would keep within the width."""
        return sum(w + gap for w in self._columns(rows)) - gap <= self.width

    def table(self, rows: Sequence[Sequence[str]], gap: int = 2) -> None:
        """Aligned columns; the first row is the heading, the first cell of each its name."""
        columns = self._columns(rows)
        for number, row in enumerate(rows):
            line = Text()
            for place, (cell, width) in enumerate(zip(row, columns, strict=True)):
                style = "dim" if number == 0 else "bold" if place == 0 else ""
                line.append(self.padded(cell, width), style=style)
                line.append(" " * gap)
            self._lines.append(line)

    def _columns(self, rows: Sequence[Sequence[str]]) -> list[int]:
        return [max(map(self.cells, column)) for column in zip(*rows, strict=True)]

    def finish(self) -> str:
        for line in self._lines:
            line.rstrip()
            self._console.print(line, soft_wrap=True)
        assert isinstance(self._console.file, io.StringIO)
        return _TRAILING.sub(r"\1", self._console.file.getvalue()).rstrip("\n") + "\n"

    def _span(self, words: Words) -> Text:
        span = Span(words) if isinstance(words, str) else words
        return Text(self.words(span.text), style=span.style)
