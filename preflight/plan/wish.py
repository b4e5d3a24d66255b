"""What a person asks of a plan besides the model and the cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from preflight.layout import Layout
from preflight.plan.cost import Price

Aim = Literal["throughput", "latency", "context", "cost"]
BATCHES = (1, 8, 32)


@dataclass(frozen=True)
class Wish:
    """`overrides` are vLLM's own settings by their names, as they were given."""

    vllm_version: str
    aim: Aim = "throughput"
    concurrency: int = 32  # requests at once for which layouts are ranked and priced
    input_tokens: int = 512
    output_tokens: int = 128
    layout: Layout | None = None
    overrides: Mapping[str, object] = field(default_factory=dict)
    price: Price | None = None
    power_price: Price | None = None  # of one kWh

    @property
    def batches(self) -> tuple[int, ...]:
        return tuple(sorted({*BATCHES, self.concurrency}))

    @property
    def settings(self) -> dict[str, object]:
        """The overrides by vLLM's names with underscores."""
        return {name.replace("-", "_"): value for name, value in self.overrides.items()}

    @property
    def request_tokens(self) -> int:
        """What one request holds of the cache when it ends."""
        return max(self.input_tokens + self.output_tokens, 1)

    @property
    def context_tokens(self) -> int:
        """Before a token, in the mean over the answer."""
        return self.input_tokens + self.output_tokens // 2
