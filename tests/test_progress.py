from io import StringIO

from rich.console import Console

from backprop_ref.gate.progress import bar


def drawn(terminal: bool, after: float) -> str:
    out = StringIO()
    with bar("measuring f", Console(file=out, force_terminal=terminal, width=80), after) as show:
        for done in (1, 2, 3):
            show(done, 3)
    return out.getvalue()


def test_a_bar_is_drawn_in_a_terminal_once_it_takes_long() -> None:
    assert "measuring f" in drawn(terminal=True, after=0)
    assert "3/3" in drawn(terminal=True, after=0)


def test_nothing_is_drawn_before_a_second_or_where_nobody_looks() -> None:
    assert drawn(terminal=True, after=60) == ""
    assert drawn(terminal=False, after=0).strip() == ""
