"""How long pytorch-grad-cam's aug_smooth and SESS and captum's NoiseTunnel take on Grad-CAM of one picture.

Prints one JSON object a line: the machine, then for every model and technique median and fastest milliseconds per call.
Usage: python technique_peers.py [--models a,b] [--threads 2] [--repeats 5] [--warmups 1]
"""
import argparse

from peer_models import MODELS, load_input, load_model, measure, report, report_machine

import torch
from captum.attr import LayerAttribution, LayerGradCam, NoiseTunnel
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.sess import SESS
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget


def aug_smooth(model, layer, x, classes):
    cam = GradCAM(model, [layer])
    targets = [ClassifierOutputTarget(c) for c in classes]
    return lambda: cam(x, targets, aug_smooth=True), cam.activations_and_grads.release


def sess(model, layer, x, classes):
    tool = SESS(model, [layer])
    targets = [ClassifierOutputTarget(c) for c in classes]
    return lambda: tool(x, targets), lambda: None


def noise_tunnel(model, layer, x, classes):
    tunnel = NoiseTunnel(LayerGradCam(model, layer))
    spread = float(x.max() - x.min())

    def work():
        maps = tunnel.attribute(x, nt_samples=25, nt_samples_batch_size=5, stdevs=0.15 * spread, target=classes[0],
                                relu_attributions=False)
        LayerAttribution.interpolate(maps, x.shape[-2:], "bilinear")
    return work, lambda: None


TOOLS = {
    "augmentation": ("pytorch-grad-cam", aug_smooth),
    "sess": ("pytorch-grad-cam", sess),
    "smooth-grad": ("captum", noise_tunnel),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="efficientnet-lite0-folded,resnet50", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--warmups", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report_machine(options.threads)
    for name in options.models.split(","):
        model, layer = load_model(name)
        x, classes = load_input(1)
        for technique, (tool, prepare) in TOOLS.items():
            work, release = prepare(model, layer, x, classes)
            repeats = max(1, options.repeats // 4) if technique == "sess" else options.repeats
            result = measure(work, repeats, min(options.warmups, repeats))
            release()
            report(kind="technique", model=name, technique=technique, tool=tool, **result)


if __name__ == "__main__":
    main()
