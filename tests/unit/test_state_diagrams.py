"""The page of state diagrams is what the tables say."""

from tests.fixtures.state_diagrams import PAGE, page


def test_given_the_tables_then_the_page_is_made_from_them() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.fixtures.state_diagrams"
