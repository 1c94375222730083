"""Metrics of maps alone, as other software gives them: SciPy, scikit-learn, scikit-image, OpenCV, NumPy and Quantus 0.6.0 on
small maps of several kinds. Quantus: pip install --no-deps quantus==0.6.0, and pandas cachetools pytz.

    python test/golden/make_map_metrics.py     # writes maps.json and contours.json in test/golden/metrics
"""

import json
import pathlib
import warnings

import cv2
import numpy as np
import quantus
import scipy.stats
import skimage.feature
import skimage.metrics
import sklearn.metrics

OUT = pathlib.Path(__file__).parent / "metrics" / "maps.json"
warnings.simplefilter("ignore")


def stretched(values):
    values = values - values.min()
    return values / values.max()


def smooth(height, width, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    total = np.zeros((height, width))
    for _ in range(5):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        s = rng.uniform(0.1, 0.3) * min(height, width)
        total += rng.uniform(0.3, 1) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * s * s))
    return stretched(total)


def rings(height, width):
    y, x = np.mgrid[:height, :width]
    return stretched(np.sin(x / 3.1) * np.sin(y / 2.7) + np.sin(np.hypot(x - 17, y - 12) / 1.9) * 0.9 + 0.01 * x)


def maps():
    rng = np.random.default_rng(0)
    relu = stretched(np.maximum(smooth(24, 24, 2) - 0.4, 0))
    one = np.zeros((9, 12))
    one[4, 7] = 1
    return {
        "smooth": smooth(24, 24, 1),
        "relu": relu,
        "steps": np.round(stretched(np.maximum(smooth(17, 31, 3) - 0.3, 0)) * 8) / 8,
        "random": stretched(rng.random((17, 31))),
        "rings": rings(32, 40),
        "narrow": smooth(5, 9, 4),
        "one": one,
        "constant": np.full((10, 8), 0.5),
    }


def truth(height, width):
    """An ellipse, around it a border that takes no part, and two boxes."""
    y, x = np.mgrid[:height, :width]
    r = ((y - height * 0.45) / (height * 0.28)) ** 2 + ((x - width * 0.4) / (width * 0.25)) ** 2
    mask = np.where(r <= 1, 1, np.where(r <= 1.3, 255, 0))
    rows, columns = np.nonzero(mask == 1)
    box = [int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
    return mask, [box, [width // 2, height // 2, max(2, width // 3), max(2, height // 3)]]


def number(value):
    return None if value is None or not np.isfinite(value) else round(float(value), 9)


def binned(values):
    """The lower edges of bins of 0.001, from 1 on one bin."""
    edges = np.append(np.arange(0, 1, 0.001), 1.0)
    return edges[np.searchsorted(edges, values, side="right") - 1]


def quantus_values(s, mask):
    inside = (mask == 1)[None, None]
    x = np.zeros((1, 1, *s.shape), np.float32)
    call = lambda metric, **more: number(
        metric(model=None, x_batch=x, y_batch=np.zeros(1, int), a_batch=s[None, None].copy(), s_batch=inside.copy(), **more)[0]
    )
    quiet = dict(disable_warnings=True)
    return {
        "pointing-game": call(quantus.PointingGame(**quiet)),
        "attribution-localisation": call(quantus.AttributionLocalisation(**quiet)),
        "rank-accuracy": call(quantus.RelevanceRankAccuracy(**quiet)),
        "top-k": call(quantus.TopKIntersection(k=20, **quiet)),
        "top-k-influence": call(quantus.TopKIntersection(k=20, concept_influence=True, **quiet)),
        "roc-auc": call(quantus.AUC(**quiet)),
        "sparseness": call(quantus.Sparseness(**quiet)),
        "entropy": call(quantus.Complexity(**quiet)),
        "effective-complexity": call(quantus.EffectiveComplexity(**quiet)),
    }


def box_of_contours(mask, every, boxes):
    """MaxBoxAcc's best overlap: the boxes of OpenCV's contours, a pixel larger where there is room, ends inclusive."""
    height, width = mask.shape
    contours = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
    found = [(0, 0, 0, 0)]
    if contours:
        found = []
        for contour in contours if every else [max(contours, key=cv2.contourArea)]:
            x, y, w, h = cv2.boundingRect(contour)
            found.append((x, y, min(x + w, width - 1), min(y + h, height - 1)))
    best = 0.0
    for x0, y0, x1, y1 in found:
        for bx, by, bw, bh in boxes:
            across = min(x1, bx + bw - 1) - max(x0, bx) + 1
            down = min(y1, by + bh - 1) - max(y0, by) + 1
            both = max(0, across) * max(0, down)
            best = max(best, both / ((x1 - x0 + 1) * (y1 - y0 + 1) + bw * bh - both))
    return best


def max_box_acc(s, boxes, interval, every):
    values = (255 * s).astype(np.uint8)
    return [
        number(box_of_contours(cv2.threshold(values, int(t * values.max()), 255, cv2.THRESH_BINARY)[1], every, boxes))
        for t in np.arange(0, 1, interval)
    ]


def components(s, threshold, connectivity):
    count, labels, stats, centroids = cv2.connectedComponentsWithStats(
        (s > threshold).astype(np.uint8), connectivity=connectivity
    )
    return [
        {
            "box": [int(v) for v in stats[i, :4]],
            "area": int(stats[i, 4]),
            "sum": number(s[labels == i].astype(np.float64).sum()),
            "peak": number(s[labels == i].max()),
            "centroid": [number(v) for v in centroids[i]],
        }
        for i in range(1, count)
    ]


def peaks(s, distance, threshold):
    found = skimage.feature.peak_local_max(s, min_distance=distance, threshold_abs=threshold, exclude_border=False)
    return [[int(x), int(y)] for y, x in found]


def case(name, values):
    s = np.round(values, 4).astype(np.float32)
    height, width = s.shape
    mask, boxes = truth(height, width)
    counts = mask.ravel() != 255
    labels, scores = (mask.ravel() == 1)[counts], s.ravel()[counts].astype(np.float64)
    other = np.round(np.random.default_rng(7).random(s.shape) * 0.3 + 0.7 * s[:, ::-1], 4).astype(np.float32)
    a, b = s.astype(np.float64), other.astype(np.float64)
    span = float(max(a.max(), b.max()) - min(a.min(), b.min()))
    side = min(7, min(height, width) - 1 + min(height, width) % 2)
    varied = s.min() < s.max()
    histogram = np.histogram(a, bins=100)[0] / s.size
    return {
        "name": name,
        "width": width,
        "height": height,
        "map": [round(float(v), 4) for v in s.ravel()],
        "other": [round(float(v), 4) for v in other.ravel()],
        "mask": mask.ravel().tolist(),
        "boxes": boxes,
        "spearman": number(scipy.stats.spearmanr(a.ravel(), b.ravel())[0]),
        "pearson": number(scipy.stats.pearsonr(a.ravel(), b.ravel())[0]),
        "ssim": number(skimage.metrics.structural_similarity(a, b, win_size=side, data_range=span)),
        "ssimOfLine": number(quantus.functions.similarity_func.ssim(a.ravel(), b.ravel())),
        "histogramEntropy": number(scipy.stats.entropy(histogram)),
        "rocAuc": number(sklearn.metrics.roc_auc_score(labels, scores)),
        "pxap": number(sklearn.metrics.average_precision_score(labels, binned(scores))),
        "iou": {str(t): number(sklearn.metrics.jaccard_score(labels, scores >= np.float32(t) * s.max())) for t in (0.15, 0.5)},
        "otsu": int(cv2.threshold((255 * s).astype(np.uint8), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]),
        "percentiles": [[q, float(np.percentile(s, q))] for q in (0, 12.5, 50, 80, 99.9, 100)],
        "maxBoxAcc": max_box_acc(s, boxes, 0.01, False),
        "maxBoxAccV2": max_box_acc(s, boxes, 0.05, True),
        "components": {str(c): components(s, np.float32(0.45), c) for c in (4, 8)},
        "peaks": [[d, t, peaks(s, d, t)] for d, t in ((1, None), (2, 0.3), (4, None))] if name in PLATEAU_FREE else [],
        "quantus": quantus_values(s, mask) if varied else None,
    }


# Of plateaus scikit-image keeps whichever its sort puts first.
PLATEAU_FREE = {"smooth", "random", "rings", "narrow", "one"}


def contour_case(rng):
    """A random mask, the box of OpenCV's contour of the largest area, and those of all; corners inclusive."""
    height, width = rng.integers(1, 13, 2)
    mask = (rng.random((height, width)) < rng.choice([0.2, 0.5, 0.7, 0.9])).astype(np.uint8)
    contours = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
    boxes = [[0, 0, 0, 0]]
    largest = boxes[0]
    if contours:
        corners = {id(c): cv2.boundingRect(c) for c in contours}
        enlarged = lambda x, y, w, h: [x, y, min(x + w, int(width) - 1), min(y + h, int(height) - 1)]
        boxes = sorted(enlarged(*box) for box in corners.values())
        largest = enlarged(*corners[id(max(contours, key=cv2.contourArea))])
    return {"mask": ["".join(map(str, row)) for row in mask], "largest": largest, "all": boxes}


OUT.parent.mkdir(exist_ok=True)
generator = np.random.default_rng(5)
masks = [contour_case(generator) for _ in range(150)]
(OUT.parent / "contours.json").write_text(
    "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in masks) + "\n]\n"
)
cases = [case(name, values) for name, values in maps().items()]
OUT.write_text("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases) + "\n]\n")
print(OUT.stat().st_size, [one["name"] for one in cases])
