"""How a rule is declared: one decorated function that returns ONE polars expression.

    @rule(
        id="JD14", version=1, title_ja="頻回施術", severity="suspicion", team="judo", grain="judo_claim",
        basis="保医発0312第1号ほか (2012-03-12)",
        explanation_ja="...", next_action_ja="患者照会",
        reads=("actual_days",), params=("judo.frequent.visits",),
        message_ja="1か月に{actual_days}日の施術（基準{judo.frequent.visits}日以上）",
        evidence=("actual_days", "visit_dates"),
        at_stake=lambda p: (pl.col("actual_days") - p("judo.frequent.visits") + 1) * pl.col("aftercare_per_visit_yen"),
        stake_reads=("actual_days", "aftercare_per_visit_yen"),
        mitigations=(Mitigation("fracture", "骨折のため長期・頻回が通常です", lambda p: pl.col("has_fracture"), "note"),),
    )
    def frequent(p): return pl.col("actual_days") >= p("judo.frequent.visits")

`p(name)` is the parameter's value on the row's date, `p.is_in(name, expr)` membership in a dated list, `p.lookup(name, expr)` the
number that a dated table gives; all give null outside the parameter's dates. True = flag, false = clean, null = cannot be judged (counted, with its reason).
Everything is checked when the module is imported: an unknown column or parameter, one that is read but not declared (or
declared but not read), a duplicate id, a missing basis, a placeholder that does not exist, an `error` that rests on a
threshold of our own choice.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl

from audit.errors import RuleError
from audit.params import Parameters, load
from audit.rules.grains import GRAINS, STANDARD, Grain

SEVERITIES = ("error", "suspicion")
TEAMS = ("judo", "review", "care", "health", "third_party", "eligibility")
FORMATS = ("yen", "month", "date", "list")


class Dated:
    """Parameters as expressions on one date column; remembers which were asked for."""

    def __init__(self, parameters: Parameters, date_column: str) -> None:
        self._parameters, self._on = parameters, pl.col(date_column)
        self.asked: set[str] = set()

    def __call__(self, name: str) -> pl.Expr:
        """Return the scalar on each row's date."""
        self.asked.add(name)
        return self._parameters.expr(name, self._on)

    def is_in(self, name: str, what: pl.Expr) -> pl.Expr:
        """Return membership of `what` in the dated list."""
        self.asked.add(name)
        return self._parameters.is_in(name, what, self._on)

    def lookup(self, name: str, key: pl.Expr) -> pl.Expr:
        """Return the number of the dated table for `key`; null where it has none."""
        self.asked.add(name)
        return self._parameters.lookup(name, key, self._on)


Build = Callable[[Dated], pl.Expr]


@dataclass(frozen=True)
class Mitigation:
    """Why a flagged unit may be fine.

    Attributes:
        id: short English name.
        text_ja: sentence for the reviewer.
        when: expression, true where it applies; null counts as false.
        effect: "clear" = no finding (counted as mitigated); "note" = the finding stands and carries the text.

    """

    id: str
    text_ja: str
    when: Build
    effect: str


@dataclass(frozen=True)
class Rule:
    """A registered rule; see the module's docstring for the fields."""

    id: str
    version: int
    title_ja: str
    severity: str
    team: str
    grain: str
    basis: str
    explanation_ja: str
    next_action_ja: str
    reads: tuple[str, ...]
    params: tuple[str, ...]
    message_ja: str
    evidence: tuple[str, ...]
    at_stake: Build
    stake_reads: tuple[str, ...]
    condition: Build
    mitigations: tuple[Mitigation, ...] = ()
    stake_unit: Build | None = None
    severity_when: Build | None = None  # true -> error, false -> suspicion; only where severity is "error"
    needs_person: bool = False  # units without person_id are not evaluated
    tables: tuple[str, ...] = ()  # tables this rule needs beside those of its grain
    placeholders: tuple[tuple[str, str], ...] = field(default=())


RULES: dict[str, Rule] = {}


def rule(**spec: object) -> Callable[[Build], Build]:
    """Register the decorated function as a rule; see the module's docstring.

    Raises:
        RuleError: anything that the declaration gets wrong, all problems of the rule in one message.

    """

    def register(function: Build) -> Build:
        spec.setdefault("placeholders", placeholders(str(spec.get("message_ja", ""))))
        declared = Rule(condition=function, **spec)  # type: ignore[arg-type]
        problems = list(check(declared, GRAINS, load()))
        if declared.id in RULES:
            problems.append("id is taken")
        if problems:
            raise RuleError(f"rule {declared.id}: " + "; ".join(problems), file=function.__module__)
        RULES[declared.id] = declared
        return function

    return register


def placeholders(message: str) -> tuple[tuple[str, str], ...]:
    """Return (name, format) of each placeholder of a message, in order."""
    return tuple((name, fmt or "") for _, name, fmt, _ in string.Formatter().parse(message) if name is not None)


def check(r: Rule, grains: dict[str, Grain], parameters: Parameters) -> Iterable[str]:
    """Yield every problem of a rule's declaration."""
    if not r.basis.strip():
        yield "basis is missing"
    if r.severity not in SEVERITIES:
        yield f"severity {r.severity!r}: one of {SEVERITIES}"
    if r.team not in TEAMS:
        yield f"team {r.team!r}: one of {TEAMS}"
    if r.grain not in grains:
        yield f"grain {r.grain!r}: one of {sorted(grains)}"
        return
    grain = grains[r.grain]
    for name in (*r.reads, *r.stake_reads, *r.evidence):
        if name not in grain.schema:
            yield f"column {name!r} is not in grain {r.grain}"
    for name in r.params:
        if name not in parameters:
            yield f"parameter {name!r} does not exist"
    if any(n not in parameters for n in r.params):
        return
    dated = Dated(parameters, grain.date_column)
    allowed = {grain.date_column, *r.reads}
    builds: list[tuple[str, Build, set[str]]] = [("condition", r.condition, allowed), ("at_stake", r.at_stake, {grain.date_column, *r.stake_reads})]
    builds += [(f"mitigation {m.id}", m.when, allowed) for m in r.mitigations]
    builds += [(n, b, allowed | set(STANDARD)) for n, b in (("stake_unit", r.stake_unit), ("severity_when", r.severity_when)) if b]
    read: set[str] = set()
    for name, build, columns in builds:
        roots = set(build(dated).meta.root_names())
        if roots - columns:
            yield f"{name} reads undeclared columns {sorted(roots - columns)}"
        read |= roots if name != "at_stake" else set()
    if set(r.reads) - read:
        yield f"declared but not read: {sorted(set(r.reads) - read)}"
    shown = {name for name, _ in r.placeholders}
    if dated.asked - set(r.params):
        yield f"undeclared parameters {sorted(dated.asked - set(r.params))}"
    if set(r.params) - dated.asked - shown:
        yield f"declared but unused parameters {sorted(set(r.params) - dated.asked - shown)}"
    for name, fmt in r.placeholders:
        if name not in grain.schema and name not in r.params:
            yield f"message placeholder {name!r} is neither a column nor a declared parameter"
        if fmt and fmt not in FORMATS:
            yield f"message format {fmt!r}: one of {FORMATS}"
    for m in r.mitigations:
        if m.effect not in ("clear", "note"):
            yield f"mitigation {m.id}: effect {m.effect!r} is neither clear nor note"
    if r.severity == "error":
        own = [n for n in r.params if any(p.status == "own_choice" for p in parameters[n].periods)]
        if own and r.severity_when is None:
            yield f"an error may not rest on a threshold of our own choice: {own}"
