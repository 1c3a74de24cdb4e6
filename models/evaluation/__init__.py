"""How good lists and rules are against planted errors, beside simple rivals. It says nothing about a real town."""

from models.evaluation.measure import Evaluation, measure
from models.evaluation.reading import Judged, read_labels, read_real, read_run
from models.evaluation.summary import Summary, summarise
from models.evaluation.universe import universe

__all__ = ["Evaluation", "Judged", "Summary", "measure", "read_labels", "read_real", "read_run", "summarise", "universe"]
