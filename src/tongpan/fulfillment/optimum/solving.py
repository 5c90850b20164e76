"""One part of a batch as a mixed-integer program, solved by HiGHS. Pure: the same part gives the same answer.

Three programs, one after the other on the same rows: as many orders as can be served; of those assignments the one
with the fewest parcels; of those the cheapest. Each keeps what the one before it found, so no weights are needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpan.core.late import Late
from tongpan.fulfillment.optimum.model import Assignment, Score
from tongpan.fulfillment.optimum.parts import Case, Cell

if TYPE_CHECKING:
    import highspy
    import numpy as np
else:
    highspy = Late("highspy")
    np = Late("numpy")

_NODES = 2_000
"""Branches that one program may take: a bound that is the same on every machine."""
_INFINITE = math.inf


class Solved(NamedTuple):
    """bound: no assignment of the part has a lower score; equal to score when this one is the best."""

    picks: Assignment
    score: Score
    bound: Score


def size_of(cases: Sequence[Case]) -> int:
    """How many variables the program of ``cases`` has."""
    return sum(1 + len(case.costs) + sum(len(item.at) for item in case.items) for case in cases)


def solve(cases: Sequence[Case], scarce: Mapping[Cell, int]) -> Solved:
    """The best assignment of ``cases``, none of which is hopeless, or the best found and what none can beat.

    scarce: units at the cells that they compete for; of other cells each takes what it wants.
    """
    program = _Program(cases, scarce)
    served, best_served = program.maximise_served()
    parcels, best_parcels = program.minimise(program.parcel_columns, [1] * len(program.parcel_columns))
    is_open = best_served > served
    costs = [case.costs[node_id] for case, node_id in program.parcels]
    cost, best_cost = program.minimise(program.parcel_columns, costs)
    score = Score(len(cases) - served, parcels, cost)
    if is_open:
        bound = Score(len(cases) - best_served, 0, 0)
    elif best_parcels < parcels:
        bound = Score(score.unfilled, best_parcels, 0)
    else:
        bound = Score(score.unfilled, parcels, best_cost)
    return Solved(program.picks(), score, bound)


class _Program:
    def __init__(self, cases: Sequence[Case], scarce: Mapping[Cell, int]) -> None:
        self.cases = cases
        self.parcels = [(case, node_id) for case in cases for node_id in case.costs]
        first_parcel = len(cases)
        self.parcel_columns = list(range(first_parcel, first_parcel + len(self.parcels)))
        self.taken: list[tuple[Case, Any, int]] = [
            (case, item, node_id) for case in cases for item in case.items for node_id in item.at
        ]
        self._first_taken = first_parcel + len(self.parcels)
        self._rows: list[tuple[float, float, list[int], list[float]]] = []
        self._write_rows(scarce)
        self._solver = self._load()
        self._values: list[float] = [0.0] * self._columns

    @property
    def _columns(self) -> int:
        return self._first_taken + len(self.taken)

    def _write_rows(self, scarce: Mapping[Cell, int]) -> None:
        parcel = {(case.asked.order_id, node_id): c for (case, node_id), c in zip(self.parcels, self.parcel_columns)}  # noqa: B905
        cells: dict[Cell, tuple[list[int], list[float]]] = {}
        column = self._first_taken
        for order, case in enumerate(self.cases):
            for item in case.items:
                of_item = []
                for node_id in item.at:
                    of_item.append(column)
                    # Nothing of it without the parcel.
                    self._rows.append(
                        (-_INFINITE, 0, [column, parcel[case.asked.order_id, node_id]], [1, -item.at[node_id]])
                    )
                    for cell, _ in case.takes(item, node_id):
                        if cell in scarce:
                            columns, units = cells.setdefault(cell, ([], []))
                            columns.append(column)
                            units.append(item.uses[cell[0]])
                    column += 1
                # All of it or nothing.
                self._rows.append((0, 0, [*of_item, order], [*[1.0] * len(of_item), -item.count]))
            mine = [parcel[case.asked.order_id, node_id] for node_id in case.costs]
            self._rows.append((0, _INFINITE, [*mine, order], [*[1.0] * len(mine), -1]))
            if case.asked.max_parcels is not None:
                self._rows.append((-_INFINITE, 0, [*mine, order], [*[1.0] * len(mine), -case.asked.max_parcels]))
        for cell in sorted(cells):
            columns, units = cells[cell]
            self._rows.append((-_INFINITE, scarce[cell], columns, units))

    def _load(self) -> Any:
        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 1),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", 0.5),
            ("mip_max_nodes", _NODES),
        ):
            solver.setOptionValue(option, value)
        lp = highspy.HighsLp()
        upper = [1] * self._first_taken + [item.at[node_id] for _, item, node_id in self.taken]
        lp.num_col_, lp.num_row_ = self._columns, len(self._rows)
        lp.col_cost_ = np.zeros(self._columns)
        lp.col_lower_, lp.col_upper_ = np.zeros(self._columns), np.array(upper, dtype=float)
        lp.row_lower_ = np.array([row[0] for row in self._rows], dtype=float)
        lp.row_upper_ = np.array([row[1] for row in self._rows], dtype=float)
        lp.integrality_ = [highspy.HighsVarType.kInteger] * self._columns
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.cumsum([0, *(len(row[2]) for row in self._rows)]).astype(np.int32)
        lp.a_matrix_.index_ = np.array([c for row in self._rows for c in row[2]], dtype=np.int32)
        lp.a_matrix_.value_ = np.array([v for row in self._rows for v in row[3]], dtype=float)
        if solver.passModel(lp) == highspy.HighsStatus.kError:
            raise RuntimeError("HiGHS refused the program of a batch.")
        return solver

    def maximise_served(self) -> tuple[int, int]:
        """(orders that are served, no more than so many can be); what follows serves as many."""
        columns = list(range(len(self.cases)))
        least, bound = self.minimise(columns, [-1] * len(columns))
        return -least, -bound

    def minimise(self, columns: Sequence[int], costs: Sequence[int]) -> tuple[int, int]:
        """(the least cost found, no assignment costs less); what follows costs no more."""
        every = np.arange(self._columns, dtype=np.int32)
        objective = np.zeros(self._columns)
        objective[list(columns)] = costs
        self._solver.changeColsCost(self._columns, every, objective)
        start = highspy.HighsSolution()
        start.col_value = self._values
        self._solver.setSolution(start)
        self._solver.run()
        info = self._solver.getInfo()
        if math.isfinite(info.objective_function_value) and info.primal_solution_status == 2:
            self._values = [float(round(value)) for value in self._solver.getSolution().col_value]
        found = round(sum(self._values[column] * cost for column, cost in zip(columns, costs, strict=True)))
        is_proven = self._solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        bound = found if is_proven else min(found, math.ceil(info.mip_dual_bound - 1e-6))
        self._solver.addRow(
            -_INFINITE, found, len(columns), np.array(columns, dtype=np.int32), np.array(costs, dtype=float)
        )
        return found, bound

    def picks(self) -> Assignment:
        """What the last program takes where, by order id."""
        picks: Assignment = {}
        for (case, item, node_id), times in zip(self.taken, self._values[self._first_taken :], strict=True):
            if times:
                picks.setdefault(case.asked.order_id, []).extend(item.picks(node_id, int(times)))
        return picks
