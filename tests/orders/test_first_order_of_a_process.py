"""The first order that a process takes: the vault's keys are not loaded yet."""

from __future__ import annotations

import pytest
from tests.support.company import paid
from tests.support.intake import states, take

from tongpan.access import vault
from tongpan.orders.engine import ShipTo


@pytest.mark.parametrize(
    "facts",
    [{}, {"ship_to": ShipTo("浙江省", "杭州市", recipient="张三")}, {"raw": b'{"id": 1}'}, {"buyer_note": "quick"}],
)
def test_it_is_taken_whatever_has_to_be_sealed(company: None, facts: dict[str, object]) -> None:
    vault.forget()

    assert states(take(paid("T-1", **facts))) == ["accepted"]
