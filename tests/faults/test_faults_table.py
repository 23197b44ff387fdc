"""Every fault of the table, in every dialect, streamed and not, through the whole server.

The dialects of one fault are asked at once by the first test that needs them; `-s` prints what
each came to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from tests.e2e.harness import Home
from tests.faults.checks import check
from tests.faults.expect import Fault
from tests.faults.harness import Bench, Situation, Variant, bench
from tests.faults.questions import Outcome
from tests.faults.table import FAULTS

Found = dict[tuple[str, Situation], dict[Variant, Outcome]]

BY_NAME = {fault.name: fault for fault in FAULTS}

SITUATIONS: tuple[Situation, ...] = ("alone", "spare")

CASES = [
    pytest.param(
        fault.name,
        situation,
        dialect,
        streamed,
        id=f"{fault.name}-{situation}-{dialect}-{'streamed' if streamed else 'whole'}",
        marks=pytest.mark.xdist_group(f"faults-{situation}"),
    )
    for situation in SITUATIONS
    for fault in FAULTS
    for dialect in fault.dialects
    for streamed in (False, True)
]

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def table(make_home: Callable[[], Home]) -> AsyncIterator[Bench]:
    async with bench(make_home()) as found:
        yield found


@pytest.fixture(scope="module")
def found() -> Found:
    return {}


@pytest.mark.parametrize(("name", "situation", "dialect", "streamed"), CASES)
async def test_a_fault(
    table: Bench, found: Found, name: str, situation: Situation, dialect: str, streamed: bool
) -> None:
    fault: Fault = BY_NAME[name]
    if (name, situation) not in found:
        outcomes = found[name, situation] = await table.run(fault, situation)
        print(f"\n{name}, {situation}")
        for outcome in outcomes.values():
            print(f"  {outcome.line()}")
    check(found[name, situation][dialect, streamed], getattr(fault, situation), situation)
