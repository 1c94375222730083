"""How many pictures of a folder Grad-CAM explains a second in pytorch-grad-cam and torchcam: PIL, a DataLoader, batches.

Prints one JSON object a line: the machine, then for every tool, batch and number of workers the rate. A picture is decoded,
resized to 224 x 224, normalised and explained for its best class; the map comes back to the picture's size, as it does in
onnx-cam's `stream`. The extractors are made once, outside the timing.
Usage: python folder_peers.py --folder FOLDER [--batches 1,8,32] [--workers 0,2] [--threads 2] [--repeats 2]
"""
import argparse
import pathlib
import time

from peer_models import load_model, report, report_machine

import numpy
import torch
from PIL import Image
from pytorch_grad_cam import GradCAM
from torch.utils.data import DataLoader, Dataset
from torchcam.methods import GradCAM as TorchcamGradCAM

MEAN = numpy.float32(127 / 255)
STD = numpy.float32(128 / 255)


class Photos(Dataset):
    def __init__(self, folder):
        self.paths = sorted(pathlib.Path(folder).glob("*.jpg"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        picture = Image.open(self.paths[index]).convert("RGB")
        small = numpy.asarray(picture.resize((224, 224), Image.Resampling.BILINEAR), dtype=numpy.float32) / 255
        return torch.from_numpy(((small - MEAN) / STD).transpose(2, 0, 1).copy()), picture.size


def to_pictures(maps, sizes):
    for one, width, height in zip(maps, *sizes):
        Image.fromarray(numpy.asarray(one, dtype=numpy.float32)).resize((int(width), int(height)), Image.Resampling.BILINEAR)


def pytorch_grad_cam(model, layer):
    cam = GradCAM(model, [layer])
    return lambda x: cam(x, None), cam.activations_and_grads.release


def torchcam(model, layer):
    extractor = TorchcamGradCAM(model, layer)

    def work(x):
        scores = model(x)
        return extractor(scores.argmax(1).tolist(), scores)[0].detach()
    return work, extractor.remove_hooks


TOOLS = {"pytorch-grad-cam": pytorch_grad_cam, "torchcam": torchcam}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True)
    parser.add_argument("--model", default="efficientnet-lite0-folded")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--workers", default="0,2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report_machine(options.threads)
    model, layer = load_model(options.model)
    photos = Photos(options.folder)
    for tool, prepare in TOOLS.items():
        work, release = prepare(model, layer)
        for batch in map(int, options.batches.split(",")):
            for workers in map(int, options.workers.split(",")):
                best = 0.0
                for _ in range(options.repeats):
                    start = time.perf_counter()
                    for x, sizes in DataLoader(photos, batch_size=batch, num_workers=workers):
                        to_pictures(work(x), sizes)
                    best = max(best, len(photos) / (time.perf_counter() - start))
                report(kind="folder", tool=tool, batch=batch, workers=workers, rate=best)
        release()


if __name__ == "__main__":
    main()
