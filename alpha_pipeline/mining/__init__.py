"""
Mining: a writer proposes, the judge measures, the ledger remembers.
"""

from alpha_pipeline.library.library import next_library
from alpha_pipeline.library.lifecycle import LifeRules, changes, decays, library_of, live_lines
from alpha_pipeline.llm.chat import Chat, ChatReply, ChatRequest, Message
from alpha_pipeline.mining.judge import Admission
from alpha_pipeline.mining.loop import MiningSettings, mine
from alpha_pipeline.mining.proposers import PROPOSERS, ModelWriter, mutation, random_grammar
from alpha_pipeline.mining.task import Draft, Proposer, Task

__all__ = [
    "PROPOSERS",
    "Admission",
    "Chat",
    "ChatReply",
    "ChatRequest",
    "Draft",
    "LifeRules",
    "Message",
    "MiningSettings",
    "ModelWriter",
    "Proposer",
    "Task",
    "changes",
    "decays",
    "library_of",
    "live_lines",
    "mine",
    "mutation",
    "next_library",
    "random_grammar",
]
