"""The colours of the card are told apart by every eye, and on a black and white print."""

import re
from importlib import resources
from itertools import combinations

import numpy as np
import pytest

from circle15.page.contents import palette

# Machado, Oliveira & Fernandes (2009), severity 1.0, for linear RGB
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
ALPHA = 0.66  # CARD_ALPHA in canvas.js


def linear(color):
    value = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    x, y, z = (np.cbrt(one) if one > 0.008856 else 7.787 * one + 16 / 116 for one in xyz / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def over(color, ground, alpha):
    mixed = [
        round(alpha * int(color[at : at + 2], 16) + (1 - alpha) * int(ground[at : at + 2], 16)) for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{one:02x}" for one in mixed)


def contrast(one, other):
    light, dark = sorted((linear(color) @ [0.2126, 0.7152, 0.0722] for color in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
def test_grades_are_far_apart(sight):
    grades = {grade: color for grade, color in palette()["grades"].items() if grade in "12345"}
    seen = {grade: lab(np.array(SIGHT[sight]) @ linear(color)) for grade, color in grades.items()}
    assert min(np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(seen, 2)) >= 30


@pytest.mark.parametrize("sight", SIGHT)
def test_grades_are_far_apart_as_drawn_over_the_land(sight):
    colors = palette()
    drawn = {
        grade: over(color, colors["base"]["land"], ALPHA)
        for grade, color in colors["grades"].items()
        if grade in "12345"
    }
    seen = {grade: lab(np.array(SIGHT[sight]) @ linear(color)) for grade, color in drawn.items()}
    assert min(np.linalg.norm(seen[a] - seen[b]) for a, b in combinations(seen, 2)) >= 15


def changes():
    return {int(key): color for key, color in palette()["change"].items() if key != "none"}


@pytest.mark.parametrize("sight", SIGHT)
def test_better_and_worse_are_far_apart(sight):
    seen = {step: lab(np.array(SIGHT[sight]) @ linear(color)) for step, color in changes().items()}
    assert sorted(seen) == list(range(-4, 5))
    for step in range(1, 5):
        assert np.linalg.norm(seen[step] - seen[-step]) >= 25
    for step in range(-4, 4):
        assert np.linalg.norm(seen[step] - seen[step + 1]) >= 10


def test_the_greater_the_change_the_darker():
    light = {step: lab(linear(color))[0] for step, color in changes().items()}
    for step in range(4):
        assert light[step] - light[step + 1] >= 6
        assert light[-step] - light[-step - 1] >= 6


def test_words_stand_out_on_their_change():
    css = (resources.files("circle15.page") / "style.css").read_text(encoding="utf-8")
    for key, color in palette()["change"].items():
        rule = re.search(rf'data-change="{key}"\] {{ background: ([^;]+); color: (#\w+);', css)
        assert key == "none" or rule[1] == color
        ink = rule[2] if len(rule[2]) == 7 else "#" + "".join(2 * one for one in rule[2][1:])
        assert contrast(color, ink) >= 4.5


def test_no_two_grades_share_a_grey():
    light = sorted(lab(linear(color))[0] for grade, color in palette()["grades"].items() if grade in "12345")
    assert min(np.diff(light)) >= 13


def test_words_stand_out_on_their_grade():
    ink = {"5": "#ffffff", "4": "#06211f", "3": "#3d3206", "2": "#3a1f00", "1": "#ffffff"}
    ink |= {"none": "#3f4750", "unknown": "#2f3742"}
    for grade, color in palette()["grades"].items():
        assert contrast(color, ink[grade]) >= 4.5


@pytest.mark.parametrize("mark", ["gap", "unknown", "isochrone", "facility"])
def test_marks_stand_out_on_paper(mark):
    assert contrast(palette()["marks"][mark], "#ffffff") >= 4.5
