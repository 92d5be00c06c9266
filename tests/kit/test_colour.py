"""Colours, against values known elsewhere."""

import pytest

from tollkeeper.kit import Colour

WHITE, BLACK = Colour.parse("#ffffff"), Colour.parse("#000000")


@pytest.mark.parametrize("text", ["", "#fff", "red", "#12345g", "#1234567"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no colour"):
        Colour.parse(text)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert WHITE.contrast(BLACK) == pytest.approx(21)
    assert Colour.parse("#777777").contrast(WHITE) == pytest.approx(4.48, abs=0.01)
    assert WHITE.contrast(WHITE) == pytest.approx(1)


@pytest.mark.parametrize("text", ["#0b5f6e", "#ff8800", "#123456", "#ffffff", "#7c3aed"])
def test_there_and_back_again_is_the_same_colour(text: str) -> None:
    assert Colour.oklch(*Colour.parse(text).as_oklch()).hex == text


def test_the_eyes_measures_are_those_of_css() -> None:
    # As Chromium computes oklch(0.628 0.2577 29.23), which is red.
    assert Colour.oklch(0.62796, 0.25768, 29.234).hex == "#ff0000"


def test_what_no_screen_shows_becomes_less_vivid_and_keeps_its_lightness() -> None:
    shown = Colour.oklch(0.8, 0.4, 250)
    lightness, chroma, _ = shown.as_oklch()
    assert lightness == pytest.approx(0.8, abs=0.01)
    assert chroma < 0.2
