"""How discounts are spread elsewhere, from published descriptions, against ours on the same random carts."""

import random
from collections.abc import Callable

import pytest

from tongpan.core.money import allocate
from tongpan.promotions.engine.spreading import cumulated, spread

Lines = list[tuple[int, int]]
"""(units, unit price) of each line."""


def remainder_to_the_last_line(discount: int, lines: Lines) -> list[int]:
    """Each line rounded, the last one takes what is left (Saleor, Oscar)."""
    amounts = [qty * unit for qty, unit in lines]
    parts = [round(discount * amount / sum(amounts)) for amount in amounts[:-1]]
    return [*parts, discount - sum(parts)]


def truncated_floats(discount: int, lines: Lines) -> list[int]:
    """Each line a truncated float, the last one takes what is left (yudao)."""
    amounts = [qty * unit for qty, unit in lines]
    parts = [int(discount * (amount * 1.0 / sum(amounts))) for amount in amounts[:-1]]
    return [*parts, discount - sum(parts)]


def ratio_at_three_digits(discount: int, lines: Lines) -> list[int]:
    """The unit's part of the total at three digits, for each line (macrozheng)."""
    total = sum(qty * unit for qty, unit in lines)
    return [round(discount * round(unit / total, 3)) * qty for qty, unit in lines]


def largest_remainder(discount: int, lines: Lines) -> list[int]:
    """Integers that add up, without floors (Vendure, Shopify)."""
    return allocate(discount, [qty * unit for qty, unit in lines])


def ours(discount: int, lines: Lines) -> list[int]:
    return spread(discount, [qty * unit for qty, unit in lines], rooms(lines))


def rooms(lines: Lines) -> list[int]:
    """Units may go down to 40 % of their price on every second line."""
    return [qty * (unit - floor_of(place, unit)) for place, (qty, unit) in enumerate(lines)]


def floor_of(place: int, unit: int) -> int:
    return unit * 2 // 5 if place % 2 else 0


def violations(formula: Callable[[int, Lines], list[int]], carts: int = 1_500) -> dict[str, int]:
    """In how many carts shares do not add up, are negative, leave their exact value by a fen, or pass a floor."""
    chance = random.Random(7)
    found = {"sum": 0, "negative": 0, "far": 0, "floor": 0}
    for _ in range(carts):
        lines = [(chance.randint(1, 3), chance.choice((1, 7, 99, 990, 4_990))) for _ in range(chance.randint(2, 6))]
        amounts = [qty * unit for qty, unit in lines]
        discount = chance.randint(1, sum(rooms(lines)) or 1)
        parts = formula(discount, lines)
        open_rooms = rooms(lines)
        found["sum"] += sum(parts) != min(discount, sum(open_rooms))
        found["negative"] += min(parts) < 0
        is_free = all(
            room * sum(amounts) >= discount * amount for room, amount in zip(open_rooms, amounts, strict=True)
        )
        found["far"] += is_free and any(
            abs(part * sum(amounts) - discount * amount) >= sum(amounts)
            for part, amount in zip(parts, amounts, strict=True)
        )
        found["floor"] += any(part > room for part, room in zip(parts, open_rooms, strict=True))
    return found


def test_ours_has_no_violation():
    assert violations(ours) == {"sum": 0, "negative": 0, "far": 0, "floor": 0}


@pytest.mark.parametrize(
    ("formula", "broken"),
    [
        (remainder_to_the_last_line, {"negative", "far", "floor"}),
        (truncated_floats, {"far", "floor"}),
        (ratio_at_three_digits, {"sum", "far", "floor"}),
        (largest_remainder, {"floor"}),
    ],
)
def test_the_published_formulas_have_the_violations_that_they_are_known_for(formula, broken):
    assert {name for name, count in violations(formula).items() if count} == broken


def test_a_larger_discount_never_shrinks_a_share_by_more_than_a_fen():
    chance = random.Random(3)
    for _ in range(300):
        weights = [chance.randint(0, 5_000) for _ in range(chance.randint(1, 6))]
        limits = [chance.randint(0, weight) for weight in weights]
        discount = chance.randint(0, 9_000)
        before, after = spread(discount, weights, limits), spread(discount + chance.randint(0, 500), weights, limits)
        assert all(later >= earlier - 1 for earlier, later in zip(before, after, strict=True))
        assert sum(before) == min(discount, sum(limits))


def test_the_first_units_of_a_line_carry_the_rest():
    assert [cumulated(10, 3, units) for units in range(4)] == [0, 4, 7, 10]
