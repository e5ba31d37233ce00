"""
The network of `cross_attention`: two sides of tokens that attend to each other, a few thousand weights, on one thread.

It is trained and asked with matrices; what they mean is said in `cross_attention`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from alpha_pipeline.signals.signal_matrix import SignalMatrix
from alpha_pipeline.typing import Array

WIDTH = 8
ROUNDS = 5
STEPS = 20
BATCH = 768
RATE = 0.03
DECAY = 0.05
# Rows are asked about in blocks of one size, so that a row gives the same bits whatever rows are beside it.
BLOCK = 512


class Network(nn.Module):
    """
    Tokens of (value, confidence, product) per source; each side attends to the other and to a token of silence.

    Args:
        text: (sources,) True for the sources of the first side; the rest is the second.
    """

    def __init__(self, text: Array) -> None:
        super().__init__()
        self.sides = [torch.from_numpy(np.flatnonzero(side)) for side in (text, ~text)]
        self.read_in = nn.Parameter(torch.randn(len(text), 3, WIDTH) * 0.5)
        self.names = nn.Parameter(torch.randn(len(text), WIDTH) * 0.5)
        self.silence = nn.Parameter(torch.randn(2, WIDTH) * 0.5)
        self.query = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in self.sides)
        self.key = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in self.sides)
        self.read_out = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))

    def forward(self, value: Tensor, confidence: Tensor, spoke: Tensor) -> Tensor:
        """(rows,) of (rows, sources) numbers, 0 where silent, and who spoke."""
        said = torch.stack([value, confidence, value * confidence], dim=-1)
        tokens = torch.tanh(torch.einsum("rsf,sfw->rsw", said, self.read_in) + self.names)
        halves = [(tokens[:, side], spoke[:, side]) for side in self.sides]
        heard = [self._attend(i, *halves[i], *halves[1 - i]) for i in range(2)]
        total = sum(part.sum(dim=1) for part in heard)
        return self.read_out(total / spoke.sum(dim=1, keepdim=True).clamp(min=1)).squeeze(-1)

    def _attend(self, side: int, mine: Tensor, mine_spoke: Tensor, others: Tensor, others_spoke: Tensor) -> Tensor:
        """(rows, tokens, width) of one side with what it found on the other; 0 for silent tokens."""
        rows = len(mine)
        others = torch.cat([others, self.silence[side].expand(rows, 1, -1)], dim=1)
        heard = torch.cat([others_spoke, torch.ones(rows, 1, dtype=torch.bool)], dim=1)
        key, content = self.key[side](others).chunk(2, dim=-1)
        # Products and sums: batched matrix products of so few tokens take thrice as long.
        correlation = (self.query[side](mine)[:, :, None] * key[:, None]).sum(dim=-1) / WIDTH**0.5
        attention = correlation.masked_fill(~heard[:, None], -torch.inf).softmax(dim=-1)
        found = (attention[..., None] * content[:, None]).sum(dim=2)
        return (mine + found) * mine_spoke[..., None]


def train(said: SignalMatrix, y: Array, text: Sequence[str], rounds: int = ROUNDS) -> Iterator[Network]:
    """
    Train from the same beginning every time; half of the rows of each batch are turned round, outcome and all.

    Args:
        said: (rows) signals.
        y: (rows,) outcomes, drift taken off.
        text: sources of the first side.
        rounds: of `STEPS` steps each, on `BATCH` rows that are drawn anew.

    Yields:
        The network after each round: the same object, trained on.
    """
    with _calm():
        torch.manual_seed(0)
        network = Network(np.isin(said.sources, list(text)))
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
        order = torch.Generator().manual_seed(0)
        turn = torch.ones(BATCH)
        turn[::2] = -1.0
    inputs, goal = _tensors(said.value, said.confidence), torch.from_numpy(y.astype(np.float32))
    for _ in range(rounds):
        with _calm():
            for _ in range(STEPS):
                rows = torch.randint(len(goal), (BATCH,), generator=order)
                value, confidence, spoke = (part[rows] for part in inputs)
                found = network(value * turn[:, None], confidence, spoke)
                loss = ((found - goal[rows] * turn) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        yield network


def predict(network: Network, value: Array, confidence: Array) -> Array:
    """(rows,) half the difference of what the network says of the values and of their opposites."""
    out = np.empty(len(value))
    with _calm(), torch.no_grad():
        for first in range(0, len(value), BLOCK):
            rows = slice(first, first + BLOCK)
            lack = BLOCK - len(value[rows])
            block = [np.pad(part[rows], ((0, lack), (0, 0)), constant_values=np.nan) for part in (value, confidence)]
            values, confidences, spoke = _tensors(*block)
            both = network(values, confidences, spoke) - network(-values, confidences, spoke)
            out[rows] = both[: BLOCK - lack].double().numpy() / 2
    return out


def _tensors(value: Array, confidence: Array) -> tuple[Tensor, Tensor, Tensor]:
    numbers = (torch.from_numpy(np.nan_to_num(part).astype(np.float32)) for part in (value, confidence))
    return (*numbers, torch.from_numpy(np.isfinite(value)))


@contextmanager
def _calm() -> Iterator[None]:
    """One thread and a random state of one's own; both are given back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
