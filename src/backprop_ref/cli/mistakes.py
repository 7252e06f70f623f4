"""backprop-ref mistakes: the catalogue of wrong equations, listed and explained."""

from typing import Any

import click

from . import common


@click.command("mistakes")
@click.argument("name", required=False)
@click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file instead of the screen.")
def mistakes(name: str | None, format: str, output: str | None) -> int:
    """List the wrong equations that a diagnosis knows, or explain the one called NAME.

    Of each: the wrong line and the chapter's, what it does to training, as it was measured, and the smallest networks that
    show it and that hide it, found by search.
    """
    from ..gate import mistakes as room  # the command's help needs none of it
    from ..gate.training import outcomes

    if name is None:
        facts: dict[str, Any] = {"mistakes": [facts_of(m) for m in room.MISTAKES]} if format == "json" else {}
        common.emit(listed(room.MISTAKES), facts, format, output)
    else:
        one = room.mistake(name)
        places = room.smallest(one)
        shows, hides = (str(place) if place else None for place in places)
        training = outcomes()[one.name]
        facts = facts_of(one) | {"training": training.to_json() if training else None, "shows": shows, "hides": hides}
        common.emit(explained(one, training, *places), facts, format, output)
    return 0


def listed(every: Any) -> str:
    """A line for each, by equation."""
    by_equation: dict[str, list[str]] = {}
    for m in every:
        by_equation.setdefault(m.equation, []).append(f"  {m.name:<34} {m.title}")
    blocks = ["\n".join([equation, *lines]) for equation, lines in by_equation.items()]
    return "\n\n".join([*blocks, f"{len(every)} mistakes; backprop-ref mistakes NAME explains one."])


def explained(m: Any, training: Any, shows: Any, hides: Any) -> str:
    """All that is known of one."""
    from ..gate.planting import LEFT, RIGHT

    lines = [f"{m.name}: {m.title} ({m.equation})", "", f"  {m.sentence}", ""]
    lines += [f"  wrong      {line}" for line in m.code()]
    lines += [f"  right      {line}" for line in dict.fromkeys(f"{LEFT[part]} = {RIGHT[part]}" for part in m.parts)]
    lines += [f"  unknown    {m.unknown}: found from the answers"] if m.unknown else []
    lines += [f"  only       {', '.join(m.only)}"] if m.only else []
    lines += [f"  training   {training or 'it changes no gradient on the networks that were trained'}"]
    lines += [f"  shown by   {shows or 'none of the networks that were searched'}"]
    lines += [f"  hidden by  {hides or 'none of the networks that were searched'}"]
    return "\n".join(lines)


def facts_of(m: Any) -> dict[str, Any]:
    """One as plain data."""
    return {
        "name": m.name,
        "title": m.title,
        "equation": m.equation,
        "wrong": m.wrong,
        "right": m.right,
        "code": m.code(),
        "sentence": m.sentence,
        "only": list(m.only),
        "unknown": m.unknown or None,
    }
