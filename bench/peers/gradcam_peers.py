"""How long Grad-CAM takes in pytorch-grad-cam and torchcam, beside PyTorch's plain forward pass.

Prints one JSON object a line: the machine, then for every model, batch and tool median and fastest milliseconds per
call (a call explains the whole batch). The extractors are made once, outside the timing.
Usage: python gradcam_peers.py [--models a,b] [--batches 1,8] [--threads 2] [--repeats 30] [--warmups 5]
"""
import argparse

from peer_models import MODELS, load_input, load_model, measure, report, report_machine

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchcam.methods import GradCAM as TorchcamGradCAM


def forward(model, _layer, x, _classes):
    def work():
        with torch.inference_mode():
            model(x)
    return work, lambda: None


def pytorch_grad_cam(model, layer, x, classes):
    cam = GradCAM(model, [layer])
    targets = [ClassifierOutputTarget(c) for c in classes]
    return lambda: cam(x, targets), cam.activations_and_grads.release


def torchcam(model, layer, x, classes):
    extractor = TorchcamGradCAM(model, layer)
    return lambda: extractor(classes, model(x)), extractor.remove_hooks


TOOLS = {"torch-forward": forward, "pytorch-grad-cam": pytorch_grad_cam, "torchcam": torchcam}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="efficientnet-lite0,efficientnet-lite0-folded,resnet50",
                        help=f"of {', '.join(MODELS)}")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--warmups", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report_machine(options.threads)
    for name in options.models.split(","):
        model, layer = load_model(name)
        for batch in map(int, options.batches.split(",")):
            x, classes = load_input(batch)
            for tool, prepare in TOOLS.items():
                work, release = prepare(model, layer, x, classes)
                result = measure(work, options.repeats, options.warmups)
                release()
                report(kind="grad-cam", model=name, batch=batch, tool=tool, **result)


if __name__ == "__main__":
    main()
