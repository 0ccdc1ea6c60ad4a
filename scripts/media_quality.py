"""PESQ of recordings against their reference: the mean, and the worst. Usage: media_quality.py REFERENCE RECORDING..."""

import sys

import numpy as np
from pesq import pesq
from scipy.io import wavfile
from scipy.signal import correlate


def load(path):
    rate, sound = wavfile.read(path)
    if rate != 8000:
        sys.exit(f"{path}: {rate} Hz instead of 8000")
    return sound.astype(float) / 32768


def main():
    reference = load(sys.argv[1])
    scores = []
    for path in sys.argv[2:]:
        heard = load(path)
        # The sound comes later by the delay of the playout.
        offset = int(np.argmax(correlate(heard, reference[: len(heard)], "full"))) - len(reference) + 1
        scores.append(pesq(8000, reference, heard[max(0, offset) :][: len(reference)], "nb"))
    print(f"MOS {np.mean(scores):.2f} (worst {min(scores):.2f})")


main()
