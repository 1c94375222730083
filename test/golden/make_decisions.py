"""Parts, peaks, thresholds and contours of real maps as scipy.ndimage, scikit-image and OpenCV find them.

    npx onnx-cam explain assets/efficientnet-lite0.onnx assets/pictures/{coffee.jpg,cat.png,rocket.jpg} -m layer-cam -l stages --max-size 72 --save map -o MAPS
    python test/golden/make_decisions.py MAPS     # writes decisions.json in test/golden
"""

import base64
import json
import pathlib
import sys

import cv2
import numpy as np
import scipy.ndimage
import skimage.feature
import skimage.filters

OUT = pathlib.Path(__file__).parent / "decisions.json"
THRESHOLDS = [0.15, 0.3, 0.45, 0.6]
FULL = np.ones((3, 3))


def box(slices):
    rows, columns = slices
    return [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]


def parts(s, inside, structure):
    labels, count = scipy.ndimage.label(inside, structure)
    numbers = range(1, count + 1)
    centres = scipy.ndimage.center_of_mass(inside, labels, numbers)
    return [
        {
            "box": box(slices),
            "area": int((labels == i).sum()),
            "sum": float(s[labels == i].sum(dtype=np.float64)),
            "peak": float(s[labels == i].max()),
            "centroid": [float(x), float(y)],
        }
        for i, slices, (y, x) in zip(numbers, scipy.ndimage.find_objects(labels), centres)
    ]


def outlines(inside):
    """Boxes of outer contours and of holes, sorted; those of holes run on the pixels around them."""
    contours, tree = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rows = [[*map(int, cv2.boundingRect(c)), bool(h[3] >= 0)] for c, h in zip(contours, tree[0])]
    return {"outer": sorted(r[:4] for r in rows if not r[4]), "holes": sorted(r[:4] for r in rows if r[4])}


def case(file):
    s = np.load(file)
    bytes_ = np.floor(np.float32(255) * s).astype(np.uint8)
    peaks = {}
    # At a distance of 1 scikit-image lists neighbours of equal values (the repeated border of an enlarged map) one by one.
    for distance in [2, 5, 10]:
        found = skimage.feature.peak_local_max(s, min_distance=distance, exclude_border=False)
        peaks[distance] = [[int(x), int(y)] for y, x in found]
    return {
        "name": file.name.split(".")[0],
        "width": s.shape[1],
        "height": s.shape[0],
        "map": base64.b64encode(s.astype("<f4").tobytes()).decode(),
        "otsu": {
            "opencv": int(cv2.threshold(bytes_, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]),
            "skimage": int(skimage.filters.threshold_otsu(bytes_)),
        },
        "peaks": peaks,
        "thresholds": [
            {
                "ofMax": t,
                "parts4": parts(s, s > np.float32(t * s.max()), None),
                "parts8": parts(s, s > np.float32(t * s.max()), FULL),
                "contours": outlines(s > np.float32(t * s.max())),
            }
            for t in THRESHOLDS
        ],
    }


OUT.write_text(json.dumps([case(file) for file in sorted(pathlib.Path(sys.argv[1]).glob("*.map.npy"))]) + "\n")
