"""The index gives the same answer as looking at everybody, and keeps the invariant of routing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core.index import MOST_EMPTY, RoutingIndex
from acd.core.line import QueueEntry
from acd.core.rules import standard
from acd.core.rules.skill_levels import fitness, meets
from switchroom.domain.contact import CustomerTier, Requirements
from switchroom.domain.ids import AgentId, ContactId, QueueName

HEAD_START_S = 60.0
RULES = standard({CustomerTier.GOLD: HEAD_START_S})


def entry(
    contact_id: str, skills: dict[str, int], at_s: float = 0, tier: CustomerTier = CustomerTier.STANDARD
) -> QueueEntry:
    needs = Requirements(QueueName("general"), skills, tier)
    return QueueEntry(ContactId(contact_id), needs, at_s, (RULES.place(at_s, tier), at_s, ContactId(contact_id)))


def test_given_two_waiting_when_an_agent_is_free_then_the_earlier_is_served() -> None:
    index = RoutingIndex(RULES)
    index.add_entry(entry("later", {"a": 1}, 10))
    index.add_entry(entry("earlier", {"a": 1}, 5))
    index.add_agent(AgentId("1001"), {"a": 5}, 0)

    match = index.match_agent(AgentId("1001"))

    assert match is not None and match.contact_id == "earlier"


def test_given_a_gold_customer_within_the_head_start_then_gold_is_served_first_but_not_beyond_it() -> None:
    index = RoutingIndex(RULES)
    index.add_entry(entry("ordinary", {"a": 1}, 0))
    index.add_entry(entry("gold", {"a": 1}, 59, CustomerTier.GOLD))
    index.add_agent(AgentId("1001"), {"a": 5}, 0)
    first = index.match_agent(AgentId("1001"))
    assert first is not None and first.contact_id == "gold"

    late = RoutingIndex(RULES)
    late.add_entry(entry("ordinary", {"a": 1}, 0))
    late.add_entry(entry("gold", {"a": 1}, 61, CustomerTier.GOLD))
    late.add_agent(AgentId("1001"), {"a": 5}, 0)
    second = late.match_agent(AgentId("1001"))
    assert second is not None and second.contact_id == "ordinary"


def test_given_several_free_agents_then_the_fittest_is_chosen_and_among_equals_the_longest_idle() -> None:
    index = RoutingIndex(RULES)
    index.add_agent(AgentId("weak"), {"a": 3}, 0)
    index.add_agent(AgentId("strong-new"), {"a": 8}, 20)
    index.add_agent(AgentId("strong-idle"), {"a": 8}, 10)
    index.add_entry(entry("call", {"a": 3}, 30))

    match = index.match_entry(ContactId("call"))

    assert match == "strong-idle"


def test_given_a_level_below_what_is_required_then_nobody_is_matched() -> None:
    index = RoutingIndex(RULES)
    index.add_agent(AgentId("1001"), {"a": 2, "b": 9}, 0)
    index.add_entry(entry("call", {"a": 3}))
    assert index.match_entry(ContactId("call")) is None
    assert index.match_agent(AgentId("1001")) is None


def test_given_an_entry_that_rejoins_then_it_has_its_old_place() -> None:
    index = RoutingIndex(RULES)
    first, second = entry("first", {"a": 1}, 0), entry("second", {"a": 1}, 1)
    index.add_entry(first)
    index.add_entry(second)
    index.remove_entry(first.contact_id)
    index.add_entry(first)
    index.add_agent(AgentId("1001"), {"a": 1}, 0)
    match = index.match_agent(AgentId("1001"))
    assert match is not None and match.contact_id == "first"


skills = st.dictionaries(st.sampled_from("abc"), st.integers(1, 3), max_size=3)
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("come"), st.integers(0, 20), skills, st.sampled_from([CustomerTier.STANDARD, CustomerTier.GOLD])
        ),
        st.tuples(st.just("go"), st.integers(0, 20)),
        st.tuples(st.just("free"), st.integers(0, 5), skills),
        st.tuples(st.just("taken"), st.integers(0, 5)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_the_index_agrees_with_looking_at_everybody(history: list[tuple[object, ...]]) -> None:
    index = RoutingIndex(RULES)
    waiting: dict[str, QueueEntry] = {}
    free: dict[str, tuple[dict[str, int], float]] = {}
    for number, step in enumerate(history):
        match step:
            case ("come", int() as who, dict() as needs, CustomerTier() as tier):
                new = entry(f"c{who}", needs, number, tier)
                index.add_entry(new)
                waiting.setdefault(f"c{who}", new)
            case ("go", int() as who):
                index.remove_entry(ContactId(f"c{who}"))
                waiting.pop(f"c{who}", None)
            case ("free", int() as who, dict() as has):
                index.add_agent(AgentId(f"a{who}"), has, number)
                free.setdefault(f"a{who}", (has, number))
            case ("taken", int() as who):
                index.remove_agent(AgentId(f"a{who}"))
                free.pop(f"a{who}", None)
        assert len(index) == len(waiting)
        for agent_id, (has, _) in free.items():
            assert index.match_agent(AgentId(agent_id)) == best_entry(waiting, has)
        for one in waiting.values():
            assert index.match_entry(one.contact_id) == best_agent(one, free)


def best_entry(waiting: dict[str, QueueEntry], has: dict[str, int]) -> QueueEntry | None:
    able = [e for e in waiting.values() if meets(e.requirements.skills, has)]
    return min(able, key=lambda e: e.rank, default=None)


def best_agent(one: QueueEntry, free: dict[str, tuple[dict[str, int], float]]) -> str | None:
    needs = one.requirements.skills
    able = [(-fitness(needs, has), since, agent_id) for agent_id, (has, since) in free.items() if meets(needs, has)]
    return min(able)[2] if able else None


@given(
    st.lists(
        st.tuples(st.floats(0, 600), st.sampled_from([CustomerTier.STANDARD, CustomerTier.GOLD])),
        min_size=1,
        max_size=30,
    )
)
def test_nobody_is_overtaken_by_one_who_came_later_than_the_head_start(line: list[tuple[float, CustomerTier]]) -> None:
    index = RoutingIndex(RULES)
    for number, (came, tier) in enumerate(line):
        index.add_entry(entry(f"c{number}", {}, came, tier))
    index.add_agent(AgentId("1001"), {}, 0)
    served: list[QueueEntry] = []
    while (match := index.match_agent(AgentId("1001"))) is not None:
        index.remove_entry(match.contact_id)
        for passed in index.entries():
            assert match.enqueued_at - passed.enqueued_at <= HEAD_START_S + 1e-6
        served.append(match)
    assert len(served) == len(line)


def test_given_skills_made_from_what_callers_enter_then_the_classes_are_bounded_and_matching_stays_right() -> None:
    index = RoutingIndex(RULES)
    index.add_agent(AgentId("able"), {"order-999": 5, "a": 5}, 0)
    index.add_agent(AgentId("other"), {"a": 5}, 1)
    index.add_entry(entry("stays", {"b": 1}))
    most = 0
    for number in range(1000):
        one = entry(f"c{number}", {f"order-{number}": 1}, number)
        index.add_entry(one)
        assert index.match_entry(one.contact_id) == ("able" if number == 999 else None)
        if number == 999:
            assert index.match_agent(AgentId("able")) == one
        assert index.match_agent(AgentId("other")) is None, "a class that was dropped leaves nothing behind"
        index.remove_entry(one.contact_id)
        most = max(most, len(index._classes), *(len(profile.classes) for profile in index._profiles.values()))
    assert most <= MOST_EMPTY + 2, "the empty ones, the one who stays and the one who came last"
    assert len(index._classes) <= MOST_EMPTY + 1
    index.add_agent(AgentId("late"), {"b": 5}, 2)
    late = index.match_agent(AgentId("late"))
    assert late is not None and late.contact_id == "stays"
