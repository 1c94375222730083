"""Score-CAM, Ablation-CAM, Grad-CAM and Eigen-CAM of pytorch-grad-cam and torchcam on a GPU, and PyTorch's forward passes.

ResNet-50 with random weights, 224x224, 2048 channels; prints one JSON object a line. `forward` is 2048 pictures in batches of
256: fp16 channels-last is the outer limit for Score-CAM.
python bench/cuda/peers.py [--repeats 5]        (needs torch, torchvision, grad-cam 1.5.7, torchcam 0.5)
"""
import argparse
import contextlib
import io
import json
import statistics
import time

import torch
from pytorch_grad_cam import AblationCAM, EigenCAM, GradCAM, ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torchcam.methods import GradCAM as TorchcamGradCAM
from torchcam.methods import ScoreCAM as TorchcamScoreCAM
from torchvision.models import resnet50

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--repeats", type=int, default=5)
repeats = parser.parse_args().repeats
torch.manual_seed(0)
x = torch.rand(1, 3, 224, 224, device="cuda")
targets = [ClassifierOutputTarget(7)]


def report(name, work, **more):
    times = []
    for i in range(-2, repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()):  # progress bars
            work()
        torch.cuda.synchronize()
        if i >= 0:
            times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"name": name, "ms": round(statistics.median(times), 3), **more}), flush=True)


def fresh():
    return resnet50(weights=None).eval().cuda()


print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__}))
for tf32 in (False, True):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    model = fresh()
    for tool in (GradCAM, EigenCAM):
        with tool(model, [model.layer4]) as cam:
            report(f"pytorch-grad-cam {tool.__name__}", lambda: cam(x, targets), tf32=tf32)
    for tool in (ScoreCAM, AblationCAM):
        for batch in (16, 32, 64, 128):
            with tool(model, [model.layer4]) as cam:
                cam.batch_size = batch
                report(f"pytorch-grad-cam {tool.__name__}", lambda: cam(x, targets), batch=batch, tf32=tf32)
    extractor = TorchcamGradCAM(model, model.layer4)
    report("torchcam GradCAM", lambda: extractor(7, model(x)), tf32=tf32)
    extractor.remove_hooks()
    for batch in (32, 64, 128, 256):
        extractor = TorchcamScoreCAM(model, model.layer4, batch_size=batch)

        def score():
            with torch.inference_mode():
                model(x)
                extractor(7)
        report("torchcam ScoreCAM", score, batch=batch, tf32=tf32)
        extractor.remove_hooks()
    with torch.inference_mode():
        batch = torch.rand(256, 3, 224, 224, device="cuda")
        report("forward, 2048 pictures, float32", lambda: [model(batch) for _ in range(8)], tf32=tf32)
        report("forward, 1 picture, float32", lambda: model(x), tf32=tf32)
with torch.inference_mode():
    half = fresh().half().to(memory_format=torch.channels_last)
    batch = torch.rand(256, 3, 224, 224, device="cuda").half().to(memory_format=torch.channels_last)
    report("forward, 2048 pictures, float16 channels-last", lambda: [half(batch) for _ in range(8)])
