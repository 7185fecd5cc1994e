"""A menu file as a model, with the verbs that it may use."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, Tag, create_model

from ivr.language.parts import Choice, GiveUp, Key, Language, Listen, Name, Part, Text
from ivr.language.verb import Verb
from switchroom.runtime.yamlfile import Loc


class Defaults(Part):
    """What holds for every node that asks. Texts are required: silence would be the alternative."""

    listen: Listen = Field(default_factory=lambda: Listen.model_validate({}))
    noinput: tuple[Text, ...] = Field(min_length=1)
    nomatch: tuple[Text, ...] = Field(min_length=1)
    give_up: GiveUp


class SubFlow(Part):
    """Nodes that other nodes call, with values of their own; they return, or lead to a node of the menu."""

    start: Name
    nodes: Mapping[Name, Verb] = Field(min_length=1)


class Menus(Part):
    """One menu file: what callers of ``numbers`` meet."""

    ivr: Literal[1] = Field(description="The version of this language.")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    numbers: tuple[Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")], ...] = Field(min_length=1)
    languages: tuple[Language, ...] = Field(min_length=1, description="The first is spoken to strangers.")
    start: Name
    defaults: Defaults
    globals: Mapping[Key, Choice] = Field(default_factory=dict, description="Choices of every menu.")
    nodes: Mapping[Name, Verb] = Field(min_length=1)
    flows: Mapping[Name, SubFlow] = Field(default_factory=dict, description="Sub-flows, called by `flow`.")


@dataclass(frozen=True, slots=True)
class Scope:
    """Nodes that see one another: those of the menu, or those of a sub-flow. ``at`` is their place in the file."""

    name: str
    at: Loc
    start: str
    nodes: Mapping[str, Verb]


def scopes(menus: Menus) -> Iterator[Scope]:
    """The menu's own (its name is empty), then each sub-flow's."""
    yield Scope("", (), menus.start, menus.nodes)
    for name, flow in menus.flows.items():
        yield Scope(name, ("flows", name), flow.start, flow.nodes)


def nodes_of(menus: Menus, scope: str) -> Mapping[str, Verb]:
    """The nodes of a sub-flow; those of the menu itself where ``scope`` is empty."""
    return menus.flows[scope].nodes if scope else menus.nodes


def nodes(menus: Menus) -> Iterator[tuple[Loc, Verb]]:
    """All nodes, with their places in the file."""
    for scope in scopes(menus):
        for name, node in scope.nodes.items():
            yield (*scope.at, "nodes", name), node


def menus_model(verbs: Sequence[type[Verb]]) -> type[Menus]:
    """The model of menu files with these verbs, looked for in their order."""

    def verb_of(node: Any) -> str | None:
        if isinstance(node, Verb):
            return node.verb
        return next((verb.verb for verb in verbs if verb.verb in node), None) if isinstance(node, Mapping) else None

    *others, last = (verb.verb for verb in verbs)
    one = Discriminator(
        verb_of,
        custom_error_type="no_verb",
        custom_error_message=f"a node has a verb: {', '.join(others)} or {last}",
    )
    node: Any = Annotated[Union[tuple(Annotated[verb, Tag(verb.verb)] for verb in verbs)], one]  # noqa: UP007
    of_nodes: Any = (Mapping[Name, node], Field(min_length=1))
    sub_flow = create_model("SubFlow", __base__=SubFlow, __doc__=SubFlow.__doc__, nodes=of_nodes)
    flows: Any = (Mapping[Name, sub_flow], Menus.model_fields["flows"])
    return create_model("Menus", __base__=Menus, __doc__=Menus.__doc__, nodes=of_nodes, flows=flows)
