import pytest

from bridge.fax.jobs import AttemptResult
from bridge.fax.states import (
    NEXT,
    ON_THE_LINE,
    RECEIVED_NEXT,
    FaxState,
    HoldReason,
    ReceivedState,
    received_sources,
    sources,
)
from tests.support.unit_contract import ATTEMPT_RESULTS, HOLD_REASONS, RECEIVED_STATES, STATES


def test_the_table_is_the_contracts() -> None:
    """An outgoing fax may go where the contract's table says, and nowhere else."""
    assert {state.value: {target.value for target in targets} for state, targets in NEXT.items()} == {
        state: set(targets) for state, targets in STATES.items()
    }
    assert {state.value for state in FaxState} == set(STATES)


def test_the_received_table_is_the_contracts() -> None:
    """A received fax may go where the contract says, and nowhere else."""
    assert {state.value: {target.value for target in targets} for state, targets in RECEIVED_NEXT.items()} == {
        state: set(targets) for state, targets in RECEIVED_STATES.items()
    }
    assert {state.value for state in ReceivedState} == set(RECEIVED_STATES)


@pytest.mark.parametrize("state", FaxState)
def test_sources_are_the_table_read_backwards(state: FaxState) -> None:
    """A state is reached from exactly those states that lead to it, never from itself or from a final one."""
    assert {source.value for source in sources(state)} == {name for name, to in STATES.items() if state.value in to}
    assert state not in sources(state)
    assert not any(source.final for source in sources(state))


@pytest.mark.parametrize("state", ReceivedState)
def test_received_sources_are_the_table_read_backwards(state: ReceivedState) -> None:
    """A received fax's state is reached from exactly those states that lead to it."""
    wanted = {name for name, to in RECEIVED_STATES.items() if state.value in to}
    assert {source.value for source in received_sources(state)} == wanted


def test_final_states_end() -> None:
    """Delivered, failed and cancelled are final, and nothing else is."""
    assert {state.value for state in FaxState if state.final} == {"delivered", "failed", "cancelled"}


def test_a_line_is_in_use_while_the_carrier_may_call() -> None:
    """The carrier may be calling in submitting and sending; a held fax never keeps a line."""
    assert {state.value for state in ON_THE_LINE} == {"submitting", "sending"}


def test_the_contracts_words_are_kept() -> None:
    """Reasons to hold and results of attempts have the contract's words."""
    assert [reason.value for reason in HoldReason] == list(HOLD_REASONS)
    assert [result.value for result in AttemptResult] == list(ATTEMPT_RESULTS)
