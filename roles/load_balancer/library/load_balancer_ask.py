#!/usr/bin/python
"""Asks public ports what they answer: with the key, without it, and where they must be shut."""

from __future__ import annotations

import http.client
import json
import ssl

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: load_balancer_ask
short_description: What a public port of vLLM answers
description:
  - Asks each service on 127.0.0.1 for its models, for an answer whole and streamed, for the same
    without the key and under a name that is not its own, and for paths that must be closed.
  - Judges nothing and changes nothing. A status of 0 means that nobody answered.
author: [gpu-preflight]
options:
  services:
    description: C(name), C(port) and C(runner) of each, as of the role.
    type: list
    elements: dict
    required: true
  host:
    description: The name under which clients ask.
    type: str
    required: true
  api_key:
    description: The key that clients show.
    type: str
    required: true
  closed_paths:
    description: Paths that must not be passed on.
    type: list
    elements: str
    required: true
  timeout_s:
    description: How long one answer may take, in seconds.
    type: int
    default: 120
"""

RETURN = """
services:
  description: >-
    For each, C(name), C(port), C(model), and the status of each question: C(models), C(whole),
    C(streamed), C(without_key), C(other_name), C(closed) (a path's status each); C(events) is how
    many events the stream had, and C(is_ended) whether it ended as it should.
  returned: always
  type: list
"""


class Port:
    """One public port, asked as a client would. Asked is what it answers, not who it is."""

    def __init__(self, number, host, key, timeout_s):
        self.number, self.host, self.key, self.timeout_s = number, host, key, timeout_s
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def ask(self, path, question=None, **other):
        """Status and text of one answer; `other` are headers to be sent instead of ours."""
        headers = {"Host": self.host, "Authorization": "Bearer " + self.key}
        headers["Content-Type"] = "application/json"
        headers.update(other)
        body = None if question is None else json.dumps(question)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.number, timeout=self.timeout_s, context=self.context
        )
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(1 << 20).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()


def ask(service, port, closed_paths):
    models, text = port.ask("/v1/models")
    model = first_model(text) if models == 200 else ""
    path, question = "/v1/completions", {"model": model, "prompt": "Hello", "max_tokens": 4}
    if service.get("runner") == "pooling":
        path, question = "/v1/embeddings", {"model": model, "input": "Hello"}
    answer = {"name": service["name"], "port": service["port"], "model": model, "models": models}
    answer["whole"] = port.ask(path, question)[0]
    if service.get("runner") != "pooling":
        answer.update(stream(port, path, question))
    answer["without_key"] = port.ask("/v1/models", Authorization="Bearer none")[0]
    answer["other_name"] = port.ask("/v1/models", Host="not-served.invalid", Authorization="")[0]
    answer["closed"] = {path: port.ask(path, {})[0] for path in closed_paths}
    return answer


def stream(port, path, question):
    status, text = port.ask(path, dict(question, stream=True))
    events = [line for line in text.splitlines() if line.startswith("data: ")]
    is_ended = events[-1:] == ["data: [DONE]"]
    return {"streamed": status, "events": len(events), "is_ended": is_ended}


def first_model(text):
    try:
        return str(json.loads(text)["data"][0]["id"])
    except (ValueError, LookupError, TypeError):
        return ""


def main():
    module = AnsibleModule(
        argument_spec={
            "services": {"type": "list", "elements": "dict", "required": True},
            "host": {"type": "str", "required": True},
            "api_key": {"type": "str", "required": True, "no_log": True},
            "closed_paths": {"type": "list", "elements": "str", "required": True},
            "timeout_s": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    told = module.params
    answers = []
    for service in told["services"]:
        port = Port(int(service["port"]), told["host"], told["api_key"], told["timeout_s"])
        answers.append(ask(service, port, told["closed_paths"]))
    module.exit_json(changed=False, services=answers)


if __name__ == "__main__":
    main()
