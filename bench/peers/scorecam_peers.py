"""How long Score-CAM and Ablation-CAM take in pytorch-grad-cam and torchcam, and how much memory.

Prints one JSON object a line: the machine, then for every model, method and tool the milliseconds per explanation of
one 224x224 picture (the bundled cat) and the process's largest resident size. Every measurement runs in a process of
its own, so that one's memory is not the next one's; `loaded_mib` is the size before the first explanation.
torchcam has no Ablation-CAM. Usage:
python scorecam_peers.py [--models a,b] [--methods score-cam,ablation-cam] [--batch-size N] [--threads 2] [--repeats 3]
Without --batch-size each tool uses its own default (16 and 32).
"""
import argparse
import contextlib
import io
import resource
import subprocess
import sys

CASES = [("score-cam", "pytorch-grad-cam"), ("score-cam", "torchcam"), ("ablation-cam", "pytorch-grad-cam")]


def peak_mib() -> float:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(size / (2**20 if sys.platform == "darwin" else 2**10), 1)


def measure_one(options) -> None:
    from peer_models import load_input, load_model, measure, report

    import torch
    from pytorch_grad_cam import AblationCAM, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from torchcam.methods import ScoreCAM as TorchcamScoreCAM

    torch.set_num_threads(options.threads)
    model, layer = load_model(options.models)
    x, classes = load_input(1)
    if options.tool == "torchcam":
        extractor = TorchcamScoreCAM(model, layer, **({"batch_size": options.batch_size} if options.batch_size else {}))
        batch_size = extractor.bs

        def work():
            with torch.inference_mode():
                model(x)
                extractor(classes)
    else:
        cam = {"score-cam": ScoreCAM, "ablation-cam": AblationCAM}[options.methods](model, [layer])
        if options.batch_size:
            cam.batch_size = options.batch_size
        batch_size = getattr(cam, "batch_size", 16)

        def work():
            with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
                cam(x, [ClassifierOutputTarget(c) for c in classes])
    with torch.inference_mode():
        model(x)
    loaded = peak_mib()
    result = measure(work, options.repeats, warmups=1 if options.repeats > 1 else 0)
    report(kind=options.methods, model=options.models, tool=options.tool, batch_size=batch_size, **result,
           loaded_mib=loaded, peak_mib=peak_mib())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="resnet18,efficientnet-lite0-folded")
    parser.add_argument("--methods", default="score-cam,ablation-cam")
    parser.add_argument("--batch-size", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tool", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        measure_one(options)
        return
    from peer_models import report_machine
    report_machine(options.threads)
    for model in options.models.split(","):
        for method, tool in CASES:
            if method in options.methods.split(","):
                subprocess.run([sys.executable, "-W", "ignore", __file__, "--models", model, "--methods", method,
                                "--tool", tool, "--batch-size", str(options.batch_size),
                                "--threads", str(options.threads), "--repeats", str(options.repeats)], check=True)


if __name__ == "__main__":
    main()
