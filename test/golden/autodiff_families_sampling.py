"""Cases of operators that read feature maps at computed places."""

import numpy as np

from autodiff_builders import node, pick
from autodiff_case import Case
from float64_operators import roi_pool

LONG = {"linear": "bilinear", "cubic": "bicubic", "nearest": "nearest"}


def places(rng, shape, sizes, aligned):
    """Grid places in [−1.6, 1.6] that are no whole or half cell, where nearest and linear values have their kinks."""
    grid = rng.uniform(-1.6, 1.6, shape)
    for axis, size in enumerate(reversed(sizes)):
        column = grid[..., axis]
        cell = (column + 1) / 2 * (size - 1) if aligned else ((column + 1) * size - 1) / 2
        twice = cell * 2
        near = np.abs(twice - np.round(twice)) < 0.12
        cell = np.where(near, cell + 0.1, cell)
        grid[..., axis] = cell * 2 / (size - 1) - 1 if aligned else (cell * 2 + 1) / size - 1
    return grid


def grid_samples(rng):
    index = 0
    for mode in ("linear", "nearest", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            for aligned in (0, 1):
                index += 1
                three = mode != "cubic" and index % 3 == 0
                sizes = (3, 4, 5) if three else (4, 5)
                opset = 20 if three else pick(rng, 16, 20)
                out = (2, 3, 2) if three else (3, 4)
                batch = pick(rng, 1, 2)
                attributes = dict(mode=mode if opset >= 20 else LONG[mode], padding_mode=padding, align_corners=aligned)
                x = rng.standard_normal([batch, 2, *sizes])
                grid = places(rng, [batch, *out, len(sizes)], sizes, aligned)
                inputs = {"grid": grid, "x": x} if mode != "nearest" else {"x": x}
                constants = {} if mode != "nearest" else {"grid": grid}
                def sample(torch, x, grid=np.float32(grid), a=(LONG[mode], padding, bool(aligned))):
                    return torch.nn.functional.grid_sample(x, torch.as_tensor(grid, dtype=x.dtype), *a)
                yield Case(f"GridSample {index} {attributes}", [node("GridSample", "x grid", **attributes)], inputs, constants, opset=opset,
                           forward=True, second=mode == "linear" and not three, torch=sample, tolerance=2e-5)
    for aligned in (0, 1):
        yield Case(f"AffineGrid and GridSample {aligned}",
                   [node("AffineGrid", "theta size", "grid", align_corners=aligned), node("GridSample", "x grid", align_corners=aligned)],
                   {"theta": rng.standard_normal([2, 2, 3]) * 0.4, "x": rng.standard_normal([2, 3, 5, 4])}, {"size": np.array([2, 3, 4, 3])}, opset=20,
                   forward=True, tolerance=2e-5, torch=lambda torch, theta, x, aligned=bool(aligned): torch.nn.functional.grid_sample(
                       x, torch.nn.functional.affine_grid(theta, [2, 3, 4, 3], aligned), align_corners=aligned))
        yield Case(f"AffineGrid of volumes {aligned}", [node("AffineGrid", "theta size", align_corners=aligned)], {"theta": rng.standard_normal([2, 3, 4])},
                   {"size": np.array([2, 1, 2, 3, 4])}, opset=20, forward=True,
                   torch=lambda torch, theta, aligned=bool(aligned): torch.nn.functional.affine_grid(theta, [2, 1, 2, 3, 4], aligned))


def deform_conv(torch, x, o, w, b, m, kernel, strides, dilations, pads, group, sets):
    """Every cell of the kernel by a bilinear grid_sample of its own."""
    n, channels, height, width = x.shape
    oh, ow = o.shape[2:]
    taps = kernel[0] * kernel[1]
    o = o.reshape(n, sets, taps, 2, oh, ow)
    rows = []
    for s in range(sets):
        part = x[:, s * channels // sets:(s + 1) * channels // sets]
        columns = []
        for tap in range(taps):
            y = torch.arange(oh, dtype=x.dtype)[:, None] * strides[0] - pads[0] + tap // kernel[1] * dilations[0] + o[:, s, tap, 0]
            z = torch.arange(ow, dtype=x.dtype) * strides[1] - pads[1] + tap % kernel[1] * dilations[1] + o[:, s, tap, 1]
            grid = torch.stack([z * 2 / (width - 1) - 1, y * 2 / (height - 1) - 1], -1)
            read = torch.nn.functional.grid_sample(part, grid, align_corners=True)
            columns.append(read if m is None else read * m.reshape(n, sets, taps, oh, ow)[:, s, tap][:, None])
        rows.append(torch.stack(columns, 2))
    columns = torch.cat(rows, 1).reshape(n, group, -1, oh * ow)
    y = (w.reshape(group, w.shape[0] // group, -1) @ columns).reshape(n, -1, oh, ow)
    return y if b is None else y + b.reshape(1, -1, 1, 1)


def deformable(rng):
    for index in range(6):
        sets, group = (1, 2, 1, 2, 1, 3)[index], (1, 1, 2, 2, 1, 1)[index]
        channels, out = 6 if index == 5 else 4, 4
        kernel = (3, 3) if index % 2 else (2, 3)
        strides, dilations = [pick(rng, 1, 2), 1], [1, pick(rng, 1, 2)]
        pads = [int(rng.integers(0, 2)) for _ in range(4)]
        size = (6, 7)
        oh, ow = [(size[a] + pads[a] + pads[a + 2] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1 for a in range(2)]
        taps = kernel[0] * kernel[1]
        offset = rng.uniform(0.15, 0.85, [2, sets * 2 * taps, oh, ow]) + rng.integers(-2, 3, [2, sets * 2 * taps, oh, ow])
        inputs = {"x": rng.standard_normal([2, channels, *size]), "o": offset}
        constants = {"w": rng.standard_normal([out, channels // group, *kernel])}
        names = ["x", "w", "o"]
        if index % 2:
            constants["b"] = rng.standard_normal(out)
            inputs["m"] = rng.random([2, sets * taps, oh, ow])
            names += ["b", "m"]
        if index == 4:
            inputs["w"] = constants.pop("w")
        attributes = dict(kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads, group=group, offset_group=sets)
        def reference(torch, x, o, w=None, m=None, constants=constants, a=(kernel, strides, dilations, pads, group, sets)):
            fixed = lambda name: torch.tensor(np.float32(constants[name]), dtype=x.dtype) if name in constants else None
            return deform_conv(torch, x, o, fixed("w") if w is None else w, fixed("b"), m, *a)
        yield Case(f"DeformConv {index} {attributes}", [node("DeformConv", names, **attributes)], inputs, constants, opset=pick(rng, 19, 22),
                   forward=True, tolerance=2e-5, torch=reference)


def boxes(rng):
    for index in range(7):
        mode = (None, "half_pixel", "output_half_pixel")[index % 3] if index < 5 else "half_pixel"
        opset = 16 if mode else (10, 16)[index % 2]
        attributes = dict(output_height=int(rng.integers(1, 4)), output_width=int(rng.integers(1, 4)), sampling_ratio=(2, 0, 3, 1, 0, 0, 2)[index], spatial_scale=0.5)
        if mode:
            attributes["coordinate_transformation_mode"] = mode
        if opset == 10:
            opset, batch = (10, 1)
        else:
            batch = (2, 2, 1, 2, 2, 3, 1)[index]
        low = rng.uniform(-3, 8, [4, 2])
        rois = np.concatenate([low, low + rng.uniform(0.5, 11, [4, 2])], 1)
        yield Case(f"RoiAlign {index} {attributes}", [node("RoiAlign", "x rois which", **attributes)], {"x": rng.standard_normal([batch, 2, 6, 7])},
                   {"rois": rois, "which": rng.integers(0, batch, 4)}, opset=opset, forward=True)


def largest_of_boxes(rng):
    for index in range(6):
        mode = ("half_pixel", "output_half_pixel")[index % 2]
        attributes = dict(output_height=int(rng.integers(1, 4)), output_width=int(rng.integers(1, 4)), sampling_ratio=(2, 0, 3, 1, 0, 0)[index], spatial_scale=0.5,
                          mode="max", coordinate_transformation_mode=mode)
        low = rng.uniform(-3, 8, [4, 2])
        rois = np.concatenate([low, low + rng.uniform(0.5, 11, [4, 2])], 1)
        if index >= 4:
            # A box that is none, as detectors fill their lists with.
            rois[1] = 0
        batch = (2, 2, 1, 2, 2, 1)[index]
        yield Case(f"RoiAlign max {index}", [node("RoiAlign", "x rois which", **attributes)], {"x": rng.standard_normal([batch, 2, 6, 7])},
                   {"rois": rois, "which": rng.integers(0, batch, 4)}, opset=16, forward=True)
    rois = np.array([[1.0, 2, 8, 9], [0, 0, 0, 0]])
    yield Case("RoiAlign of a box that is none", [node("RoiAlign", "x rois which", output_height=2, output_width=2, sampling_ratio=0)],
               {"x": rng.standard_normal([1, 2, 6, 7])}, {"rois": rois, "which": np.array([0, 0])}, opset=16, forward=True)


def pooled_boxes(rng):
    for index in range(8):
        shape = [int(rng.integers(1, 4)), int(rng.integers(1, 4))]
        scale, batch = (0.5, 1.0, 0.25)[index % 3], (1, 1, 1, 2, 3, 2, 1, 2)[index]
        opset = (9, 10, 13, 17, 18, 21, 17, 17)[index]
        low = rng.uniform(-3, 8, [4, 2]) / scale * 0.5
        rois = np.concatenate([rng.integers(0, batch, [4, 1]), low, low + rng.uniform(-1, 11, [4, 2]) / scale * 0.5], 1)
        x = rng.standard_normal([batch, 2, 6, 7])
        if index >= 6:
            # Many equal cells.
            x = np.round(np.maximum(x, 0))
        yield Case(f"MaxRoiPool {index} {shape} {scale}", [node("MaxRoiPool", "x rois", "p", pooled_shape=shape, spatial_scale=scale), node("Mul", "p p")],
                   {"x": x}, {"rois": rois}, opset=opset, forward=True, second=index == 4,
                   torch=lambda torch, x, a=(np.float32(rois), shape, scale): roi_pool(torch, x, *a) ** 2)


FAMILIES = {"grid-sample": grid_samples, "deform": deformable, "boxes": boxes, "boxes-largest": largest_of_boxes, "boxes-pooled": pooled_boxes}
