"""How a played recording sounds beside its original, by PESQ (ITU-T P.862.2, wide band).

usage: score.py ORIGINAL.wav PLAYED.wav SKIP_SECONDS

The original was played over and over; each whole repetition after SKIP_SECONDS is found by correlation and scored. Prints one JSON
object: the mean opinion score (1.0 to 4.6) as mean and worst, and how many repetitions it is made of.
"""

import json
import sys

try:
    import numpy as np
    from pesq import pesq
    from scipy.io import wavfile
    from scipy.signal import correlate, resample_poly
except ImportError as missing:
    sys.exit(f"{missing}: `cargo xtask bench network` installs pesq, numpy and scipy where pip can, and says so where it cannot")

RATE = 16_000


def read(path):
    """Samples of one channel at 16 kHz, -1 to 1."""
    rate, samples = wavfile.read(path)
    samples = samples.astype(np.float64)
    if samples.ndim == 2:
        samples = samples.mean(axis=1)
    samples /= max(np.abs(samples).max(), 1e-9)
    return resample_poly(samples, RATE, rate)


def find(original, played):
    """Where the original begins in what was played, in samples."""
    return int(np.argmax(correlate(played, original, mode="valid", method="fft")))


def main():
    original, played = read(sys.argv[1]), read(sys.argv[2])
    played = played[int(float(sys.argv[3]) * RATE) :]
    length, scores = len(original), []
    while len(played) >= 2 * length:
        start = find(original, played[: 2 * length])
        scores.append(pesq(RATE, original, played[start : start + length], "wb"))
        played = played[start + length :]
    if not scores:
        sys.exit("nothing to score: the recording is shorter than two repetitions")
    print(json.dumps({"mean": round(float(np.mean(scores)), 2), "worst": round(min(scores), 2), "repetitions": len(scores)}))


main()
