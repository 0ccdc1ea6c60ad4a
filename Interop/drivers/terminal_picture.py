#!/usr/bin/env python3
"""Draws what `tmux capture-pane -e -p` prints as an SVG, so that it can be looked at: terminal_picture.py < TEXT > FILE.svg"""
import re
import sys
import unicodedata
from html import escape

BASIC = ["#1e2127", "#e06c75", "#98c379", "#d19a66", "#61afef", "#c678dd", "#56b6c2", "#abb2bf"]
BRIGHT = ["#5c6370", "#ff7b86", "#b5e890", "#f0b97d", "#82c7ff", "#e09bf5", "#7fdbe6", "#ffffff"]
PLAIN, GROUND = "#d7dae0", "#16181d"
WIDTH, HEIGHT = 9, 19


def palette(n):
    if n < 16:
        return (BASIC + BRIGHT)[n]
    if n >= 232:
        return "#" + 3 * f"{8 + 10 * (n - 232):02x}"
    n -= 16
    return "#" + "".join(f"{0 if v == 0 else 55 + 40 * v:02x}" for v in (n // 36, n // 6 % 6, n % 6))


class Style:
    def __init__(self):
        self.reset()

    def reset(self):
        self.front, self.back, self.bold, self.dim, self.under, self.swap = None, None, False, False, False, False

    def apply(self, codes):
        codes = [int(c or 0) for c in re.split("[;:]", codes)] or [0]
        while codes:
            c = codes.pop(0)
            if c == 0: self.reset()
            elif c == 1: self.bold = True
            elif c == 2: self.dim = True
            elif c == 4: self.under = True
            elif c == 7: self.swap = True
            elif c == 22: self.bold = self.dim = False
            elif c == 24: self.under = False
            elif c == 27: self.swap = False
            elif 30 <= c <= 37: self.front = BASIC[c - 30]
            elif 40 <= c <= 47: self.back = BASIC[c - 40]
            elif 90 <= c <= 97: self.front = BRIGHT[c - 90]
            elif 100 <= c <= 107: self.back = BRIGHT[c - 100]
            elif c == 39: self.front = None
            elif c == 49: self.back = None
            elif c in (38, 48) and codes and codes.pop(0) == 5:
                color = palette(codes.pop(0))
                if c == 38: self.front = color
                else: self.back = color

    def colors(self):
        front, back = self.front or PLAIN, self.back or GROUND
        return (back, front) if self.swap else (front, back)


def width(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    texts, grounds, longest, style = [], [], 0, Style()  # A style goes on over the ends of lines.
    for row, line in enumerate(lines):
        x = 0
        for part in re.split("(\x1b\\[[0-9;:]*m|\x0e|\x0f)", line):
            if part.startswith("\x1b["):
                style.apply(part[2:-1])
                continue
            front, back = style.colors()
            for character in part:
                if character in "\x0e\x0f":
                    continue
                size = width(character)
                if back != GROUND:
                    grounds.append(f'<rect x="{x * WIDTH}" y="{row * HEIGHT}" width="{size * WIDTH + .5}" height="{HEIGHT + .5}" fill="{back}"/>')
                if character != " ":
                    weight = ' font-weight="bold"' if style.bold else ""
                    under = ' text-decoration="underline"' if style.under else ""
                    texts.append(f'<text x="{x * WIDTH}" y="{row * HEIGHT + 14}" fill="{front}"{weight}{under}>{escape(character)}</text>')
                x += size
        longest = max(longest, x)
    w, h = longest * WIDTH, len(lines) * HEIGHT
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" font-family="DejaVu Sans Mono" font-size="15">')
    print(f'<rect width="{w}" height="{h}" fill="{GROUND}"/>')
    print("\n".join(grounds + texts), "\n</svg>", sep="")


if __name__ == "__main__":
    main()
