"""
The network of `cross_attention`: two groups of tokens with cross-attention, a few thousand weights, single-threaded.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array, Flags

WIDTH = 8
ROUNDS = 5
STEPS = 20
BATCH = 768
RATE = 0.03
DECAY = 0.05
# Predictions are made in blocks of one size, so that the bits of a row do not depend on the other rows.
BLOCK = 512


class Network(nn.Module):  # type: ignore[misc,unused-ignore]  # torch may be absent
    """
    Tokens of (value, confidence, product) per source; each side attends to the other and to a null token.

    Args:
        text: (sources,) True for the sources of the first side; the rest is the second.
    """

    def __init__(self, text: Flags) -> None:
        super().__init__()
        self.sides = [torch.from_numpy(np.flatnonzero(side)) for side in (text, ~text)]
        self.read_in = nn.Parameter(torch.randn(len(text), 3, WIDTH) * 0.5)
        self.names = nn.Parameter(torch.randn(len(text), WIDTH) * 0.5)
        self.null = nn.Parameter(torch.randn(2, WIDTH) * 0.5)
        self.query = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in self.sides)
        self.key = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in self.sides)
        self.read_out = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))

    def forward(self, value: Tensor, confidence: Tensor, active: Tensor) -> Tensor:
        """(rows,) predictions from (rows, sources) values and confidences, 0 where inactive, and the active mask."""
        inputs = torch.stack([value, confidence, value * confidence], dim=-1)
        tokens = torch.tanh(torch.einsum("rsf,sfw->rsw", inputs, self.read_in) + self.names)
        halves = [(tokens[:, side], active[:, side]) for side in self.sides]
        total = sum(self._attend(i, *halves[i], *halves[1 - i]).sum(dim=1) for i in range(2))
        prediction: Tensor = self.read_out(total / active.sum(dim=1, keepdim=True).clamp(min=1)).squeeze(-1)
        return prediction

    def _attend(self, side: int, own: Tensor, own_active: Tensor, others: Tensor, others_active: Tensor) -> Tensor:
        """(rows, tokens, width) of one side plus its attention to the other; 0 for inactive tokens."""
        rows = len(own)
        others = torch.cat([others, self.null[side].expand(rows, 1, -1)], dim=1)
        mask = torch.cat([others_active, torch.ones(rows, 1, dtype=torch.bool)], dim=1)
        key, content = self.key[side](others).chunk(2, dim=-1)
        # Products and sums: batched matrix products of so few tokens take three times as long.
        scores = (self.query[side](own)[:, :, None] * key[:, None]).sum(dim=-1) / WIDTH**0.5
        attention = scores.masked_fill(~mask[:, None], -torch.inf).softmax(dim=-1)
        attended = (attention[..., None] * content[:, None]).sum(dim=2)
        return (own + attended) * own_active[..., None]


def train(signals: SignalMatrix, y: Array, text: Sequence[str], rounds: int = ROUNDS) -> Iterator[Network]:
    """
    Train from a fixed seed; in half of the rows of each batch the signs of signals and outcome are reversed.

    Args:
        signals: of the samples.
        y: (rows,) outcomes without drift.
        text: sources of the first side.
        rounds: of `STEPS` steps each, on random batches of `BATCH` rows.

    Yields:
        The same network object after each round.
    """
    with _deterministic():
        torch.manual_seed(0)
        network = Network(np.isin(signals.sources, list(text)))
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
        order = torch.Generator().manual_seed(0)
        sign = torch.ones(BATCH)
        sign[::2] = -1.0
    inputs, target = _tensors(signals.value, signals.confidence), torch.from_numpy(y.astype(np.float32))
    for _ in range(rounds):
        with _deterministic():
            for _ in range(STEPS):
                rows = torch.randint(len(target), (BATCH,), generator=order)
                value, confidence, active = (part[rows] for part in inputs)
                predicted = network(value * sign[:, None], confidence, active)
                loss = ((predicted - target[rows] * sign) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        yield network


def predict(network: Network, value: Array, confidence: Array) -> Array:
    """(rows,) odd part of the network: (f(value) - f(-value)) / 2."""
    out = np.empty(len(value))
    with _deterministic(), torch.no_grad():
        for first in range(0, len(value), BLOCK):
            rows = slice(first, first + BLOCK)
            lack = BLOCK - len(value[rows])
            block = [np.pad(part[rows], ((0, lack), (0, 0)), constant_values=np.nan) for part in (value, confidence)]
            values, confidences, active = _tensors(*block)
            difference = network(values, confidences, active) - network(-values, confidences, active)
            out[rows] = difference[: BLOCK - lack].double().numpy() / 2
    return out


def _tensors(value: Array, confidence: Array) -> tuple[Tensor, Tensor, Tensor]:
    numbers = (torch.from_numpy(np.nan_to_num(part).astype(np.float32)) for part in (value, confidence))
    return (*numbers, torch.from_numpy(np.isfinite(value)))


@contextmanager
def _deterministic() -> Iterator[None]:
    """One thread and a forked random state; both are restored."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
