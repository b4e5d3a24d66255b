"""A model's config and the headers of its weights from the Hugging Face hub, never the weights.

Endpoint, token, cache and offline mode are huggingface_hub's own (HF_ENDPOINT, HF_TOKEN, HF_HOME,
HF_HUB_OFFLINE). One commit is taken for all files, and told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import Unreachable, UsageError
from preflight.plan.fields import MAX_BYTES

_CONFIG, _QUANTISED = "config.json", "hf_quant_config.json"
_TIMEOUT_S = 10


@dataclass(frozen=True)
class Fetched:
    """`weight_sizes` are bytes by a tensor's name; None where there are no safetensors."""

    config: bytes
    revision: str  # the commit
    quantised: bytes | None
    weight_sizes: dict[str, int] | None


def fetch(name: str) -> Fetched:
    """Of `owner/name` or `owner/name@revision`.

    UsageError for a repository that does not exist or needs permission, Unreachable where the hub
    does not answer.
    """
    from huggingface_hub import constants  # 0.4 s, which only this pays

    repository, _, revision = name.partition("@")
    with _translated(name):
        if constants.HF_HUB_OFFLINE:
            return _from_cache(repository, revision or None)
        return _online(repository, revision or None)


def _online(repository: str, revision: str | None) -> Fetched:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    info = HfApi().model_info(
        repository, revision=revision, timeout=_TIMEOUT_S, files_metadata=True
    )
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    commit = info.sha or "main"

    def text(file: str) -> bytes:
        if (sizes[file] or 0) > MAX_BYTES:
            raise UsageError(f"{repository}: its {file} is larger than such a file can be")
        path = hf_hub_download(repository, file, revision=commit, etag_timeout=_TIMEOUT_S)
        return Path(path).read_bytes()

    if _CONFIG not in sizes:
        raise UsageError(f"{repository} has no {_CONFIG}", "a repository of GGUF files has none")
    has_weights = any(file.endswith(".safetensors") for file in sizes)
    return Fetched(
        config=text(_CONFIG),
        revision=commit,
        quantised=text(_QUANTISED) if _QUANTISED in sizes else None,
        weight_sizes=_headers(repository, commit) if has_weights else None,
    )


def _headers(repository: str, commit: str) -> dict[str, int] | None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import NotASafetensorsRepoError

    try:
        found = HfApi().get_safetensors_metadata(repository, revision=commit, timeout=_TIMEOUT_S)
    except NotASafetensorsRepoError:  # safetensors, but none that transformers would load
        return None
    return {
        name: tensor.data_offsets[1] - tensor.data_offsets[0]
        for file in found.files_metadata.values()
        for name, tensor in file.tensors.items()
    }


def _from_cache(repository: str, revision: str | None) -> Fetched:
    """What an earlier visit left; headers of weights are not kept."""
    from huggingface_hub import hf_hub_download

    wanted = revision or _newest_commit(repository)
    path = Path(hf_hub_download(repository, _CONFIG, revision=wanted, local_files_only=True))
    beside = path.parent / _QUANTISED
    quantised = beside.read_bytes() if beside.is_file() else None
    return Fetched(path.read_bytes(), path.parent.name, quantised, None)


def _newest_commit(repository: str) -> str | None:
    """The commit whose config was fetched last; None where the cache has none."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = repo_folder_name(repo_id=repository, repo_type="model")
    snapshots = Path(constants.HF_HUB_CACHE) / folder / "snapshots"
    configs = snapshots.glob(f"*/{_CONFIG}")
    newest = max(configs, key=lambda path: path.lstat().st_mtime, default=None)
    return newest.parent.name if newest else None


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """huggingface_hub's errors as ours."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        hint = "accept its terms on its page, and log in with `hf auth login` or set HF_TOKEN"
        raise UsageError(f"{name}: the hub asks for permission", hint) from error
    except errors.RepositoryNotFoundError as error:
        hint = "look at its spelling; a private one needs `hf auth login` or HF_TOKEN"
        raise UsageError(f"{name}: the hub has no such repository", hint) from error
    except errors.RevisionNotFoundError as error:
        raise UsageError(f"{name}: the hub has no such revision") from error
    except errors.HFValidationError as error:
        raise UsageError(f"{name}: no name of a repository") from error
    except errors.LocalEntryNotFoundError as error:
        hint = "it is not in the cache: unset HF_HUB_OFFLINE once, or name a folder"
        raise Unreachable(f"{name}: the hub was not asked, or did not answer", hint) from error
    except errors.SafetensorsParsingError as error:
        raise UsageError(f"{name}: its weights' headers cannot be read") from error
    except (errors.HfHubHTTPError, OSError, _http_error()) as error:
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise Unreachable(f"{name}: the hub did not answer: {words}") from error


def _http_error() -> type[Exception]:
    """What the HTTP library of huggingface_hub raises, whose name has changed with its releases."""
    from huggingface_hub import errors

    bases = errors.HfHubHTTPError.__mro__
    return next((base for base in bases if base.__name__ == "HTTPError"), OSError)
