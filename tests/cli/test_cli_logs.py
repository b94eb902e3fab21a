"""`pywats-client logs --follow`: none is missing and none is there twice."""

from pywats_client.cli.logs import Line, not_shown


def line(second: int, message: str) -> Line:
    return {"time": f"2026-11-22T10:00:0{second}.000+00:00", "level": "INFO", "logger": "a", "message": message}


A, B, C = line(1, "a"), line(2, "b"), line(3, "c")


def test_lines_that_were_shown_do_not_come_again_until_a_newer_one_has_come() -> None:
    assert list(not_shown([A, B, line(2, "same moment"), C, B], [A, B])) == [line(2, "same moment"), C, B]
    assert list(not_shown([A, B], [])) == [A, B]


def test_once_a_newer_line_has_come_no_line_is_compared_any_more() -> None:
    looked_at = 0

    class Counting(list[Line]):
        def __contains__(self, item: object) -> bool:
            nonlocal looked_at
            looked_at += 1
            return super().__contains__(item)

    assert len(list(not_shown([B, *[C] * 100], Counting([A, B])))) == 100
    assert looked_at == 1
