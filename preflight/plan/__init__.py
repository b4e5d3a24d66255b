"""Which vLLM layout a host can carry: memory, speed, cost, and why not the others."""
