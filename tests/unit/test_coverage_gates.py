"""The gates of coverage hold: a module whose tests are gone is named."""

from tests.coverage_gates import Reached, failures, modules

VOSK = "ivr/speech/vosk_engine.py"
GATES = {"module": 60, "packages": {"acd": 80, "acd/core": 95, "ivr": 50}, "below": [VOSK]}
FOUND = {
    "acd/core/core.py": Reached(100, 99),
    "acd/service.py": Reached(100, 85),
    "acd/views.py": Reached(5, 4),
    "ivr/session.py": Reached(100, 70),
    VOSK: Reached(20, 5),
}


def test_given_what_was_measured_then_nothing_is_said() -> None:
    assert list(failures(FOUND, GATES)) == []


def test_given_a_core_whose_tests_are_gone_then_its_own_gate_says_so_and_not_that_of_the_package_around_it() -> None:
    [found] = failures({**FOUND, "acd/core/core.py": Reached(100, 90)}, GATES)
    assert found == "acd/core reaches 90.0 % of its lines and branches, its gate is 95 %"


def test_given_a_small_module_whose_tests_are_gone_then_the_floor_says_so() -> None:
    [found] = failures({**FOUND, "acd/views.py": Reached(5, 2)}, GATES)
    assert found.startswith("acd/views.py reaches 40.0 %")


def test_given_a_package_without_a_gate_or_an_exception_that_is_none_any_more_then_it_is_named() -> None:
    found = list(failures({**FOUND, "channels/mail.py": Reached(9, 9), VOSK: Reached(9, 9)}, GATES))
    assert [line.split()[0] for line in found] == ["channels/mail.py", VOSK]


def test_coverages_own_report_is_read() -> None:
    told = {"num_statements": 8, "covered_lines": 6, "num_branches": 2, "covered_branches": 1}
    assert modules({"files": {"a.py": {"summary": told}}}) == {"a.py": Reached(10, 7)}
