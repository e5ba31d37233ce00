"""
Whole run dates with recorded answers, through a real server that speaks the OpenAI protocol.

`transcripts/qwen.json` holds what Qwen2.5-Coder-1.5B-Instruct (Apache-2.0) answered when it was asked, in order;
`transcripts/sections.json` was written by hand, with every habit and vice models show.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from alpha_pipeline.llm.chat import Chat
from alpha_pipeline.market.markets import EQUITIES
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.progress_report import Progress
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.llm.resource import LanguageModel
from alpha_pipeline.tables import TRIALS
from tests.helpers.openai_server import OpenAIServer, Question, serving

from .scripted import night_of, walk

FOLDER = Path(__file__).with_name("transcripts")
SETTINGS = MiningSettings(rounds=2, proposals_per_round=6, batch=3, prompt_modes=("generate", "code", "optimize"))


def the_night(
    chat: Chat, door: LanguageModel, ledger: pd.DataFrame, told: list[Progress] | None = None
) -> pd.DataFrame:
    """One run date on a market whose field `edge` leads returns."""
    panel = walk(edge=0.2, bars=400)
    report = (lambda progress: None) if told is None else told.append
    return mine(night_of(panel), EQUITIES, panel, ledger, door.writer(chat), SETTINGS, report)


class Recorded:
    """Answers in the order they were recorded, over and over."""

    def __init__(self, name: str) -> None:
        self.texts: list[str] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        self.count = 0

    def __call__(self, question: Question) -> str:
        self.count += 1
        return self.texts[(self.count - 1) % len(self.texts)]


@pytest.fixture(params=["qwen", "sections"])
def server(request: pytest.FixtureRequest) -> Iterator[OpenAIServer]:
    with serving(OpenAIServer(Recorded(request.param))) as found:
        yield found


def door(server: OpenAIServer) -> LanguageModel:
    return LanguageModel(base_url=server.url, model="recorded")


def lived(server: OpenAIServer, folder: Path, **asked: bool) -> pd.DataFrame:
    with door(server).open(Lake(str(folder)), **asked) as chat:
        return the_night(chat, door(server), TRIALS.empty())


def test_a_night_of_recorded_answers(server: OpenAIServer, tmp_path: Path) -> None:
    """Every proposal is a row with its way, its bill and its fate; the critic's advice reaches the next round."""
    told: list[Progress] = []
    with door(server).open(Lake(str(tmp_path))) as chat:
        rows = the_night(chat, door(server), TRIALS.empty(), told)
    mined = rows[rows["proposer"] == "model"]
    assert len(mined) == 12 and set(mined["prompt_mode"]) >= {"generate", "code"}
    assert int(mined["calls"].sum()) == len(server.requests)
    assert int(mined["prompt_tokens"].sum()) == 11 * len(server.requests)
    measured = mined[mined["valid_t_stat"].notna()]
    assert len(measured) and (mined.loc[mined["valid_t_stat"].isna(), "reason"] != "").all()
    assert set(mined["dialect"]) >= {"dsl", "pandas"}
    critiques = mined.loc[mined["critique"] != "", "critique"]
    assert len(critiques) == 2
    asked = [message["content"] for question in server.requests for message in question["messages"]]
    assert any(f"| critic: {critiques.iloc[0][:60]}" in text for text in asked)
    assert [progress.figures["proposed"] for progress in told if progress.figures] == [6, 12]


def test_a_night_is_replayed_to_the_byte_without_a_call(server: OpenAIServer, tmp_path: Path) -> None:
    """With the server gone, the same bytes; asked anew, the server is needed."""
    first = TRIALS.conform(lived(server, tmp_path))
    count = len(server.requests)
    second = TRIALS.conform(lived(server, tmp_path))
    assert len(server.requests) == count
    assert first.equals(second)
    lived(server, tmp_path, fresh=True)
    assert len(server.requests) == 2 * count


def test_whoever_reads_the_ledger_finds_the_question(server: OpenAIServer, tmp_path: Path) -> None:
    """Every row of a model names the stored call its text came from."""
    rows = lived(server, tmp_path)
    for digest in rows.loc[rows["proposer"] == "model", "request_hash"]:
        assert (tmp_path / "calls" / digest[:2] / f"{digest}.json").is_file()
