"""Which spec cases can notice a mutant, and whether one does.

A case is run with all its tables, so a mutant costs as many runs as cases ask for its parameter. Two things keep that small:
only cases of rules that use the parameter are tried, and a grain that did not ask for it is not built again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from audit.params import Parameter, Parameters
from audit.rules import all_rules
from tests.mutation.mutants import Mutant, in_force, mutated
from tests.rules import test_spec_cases as spec

Case = tuple[str, str, dict[str, Any]]  # family, rule of the file, case


class _Watched(Parameters):
    """Parameters that remember which names were asked for."""

    def __init__(self, parameters: Parameters) -> None:
        self._by_name = parameters._by_name
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Parameter:
        self.asked.add(name)
        return super().__getitem__(name)


class Cases:
    """The spec cases, with what each asks for and the grains it built, found at its first run."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._rules = all_rules()
        self._cases: list[Case] = [c.values for c in spec._cases()]
        self._asked: dict[int, set[str]] = {}  # case -> names asked for anywhere
        self._grains: dict[tuple[int, str], tuple[Any, set[str]]] = {}  # case, grain -> rows, names asked for in building it

    def using(self, name: str) -> list[Case]:
        """Return the cases that ask for a parameter, of the rules that declare it (or, where only a grain uses it, its neighbours)."""
        rules = self._declaring(name)
        return [c for c in self._cases if (c[1] in rules or any(e.get("rule") in rules for e in c[2]["expect"])) and name in self._names(c)]

    def killed(self, mutant: Mutant) -> bool:
        """Return whether a case notices the mutant."""
        parameters = mutated(self._parameters, mutant)
        return any(self._fails(case, parameters, mutant.name) for case in self.using(mutant.name))

    def _declaring(self, name: str) -> set[str]:
        found: set[str] = set()
        stem = name
        while not found and stem:
            found = {r.id for r in self._rules.values() if any(p == stem or p.startswith(f"{stem}.") for p in r.params)}
            stem = stem.rpartition(".")[0]
        return found

    def _names(self, case: Case) -> set[str]:
        """Return the names that a case asks for; runs it once as it is, and it must pass."""
        key = id(case[2])
        if key not in self._asked:
            watched = _Watched(self._parameters)

            def remembering(grain: str, view: Any) -> Any:
                if (key, grain) not in self._grains:
                    before, watched.asked = watched.asked, set()
                    self._grains[key, grain] = (_build(grain, view), watched.asked)
                    watched.asked = before | watched.asked
                return self._grains[key, grain][0]

            self._run(case, watched, _build if "office" in case[2] else remembering)
            self._asked[key] = watched.asked
        return self._asked[key]

    def _fails(self, case: Case, parameters: Parameters, name: str) -> bool:
        def kept(grain: str, view: Any) -> Any:
            rows, asked = self._grains.get((id(case[2]), grain), (None, {name}))
            return _build(grain, view) if name in asked else rows

        try:
            self._run(case, parameters, kept)
        except Exception:  # whatever the moved number breaks: it was noticed
            return True
        return False

    @staticmethod
    def _run(case: Case, parameters: Parameters, build: Any) -> None:
        spec.built = build
        try:
            with in_force(parameters), tempfile.TemporaryDirectory() as folder:
                spec.test_spec_case(*case, Path(folder))
        finally:
            spec.built = _build


_build = spec.built
