"""Real hosts on one machine: Debian under systemd-nspawn, and a real vLLM on the CPU."""
