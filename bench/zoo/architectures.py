"""The architectures of the zoo: how to build each and at which size.

Networks are the published ones where they are small, and otherwise smaller members of the same class (fewer blocks,
narrower): the operators and the way they are connected are those of the large ones.
"""
from collections.abc import Callable
from dataclasses import dataclass

import timm
import torch
import torch.nn.functional as F
from timm.models.beit import Beit
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision import models as tv

from efficientnet_lite0 import load_pretrained
from families import TIMM, TORCHVISION, timm_builder, torchvision_builder


@dataclass(frozen=True)
class Architecture:
    family: str
    build: Callable[[], nn.Module]
    size: int = 224
    real: bool = False
    """Trained weights; all others get seeded ones."""
    module: str = ""
    """Of one of each family: the module of the library, and the form in brackets where it defines several."""


class FirstOutput(nn.Module):
    """Segmentation networks of torchvision return a dictionary."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)["out"]


class Normalized(nn.Module):
    """An embedding of length 1, as CLIP's image towers are exported."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.tower(x), dim=-1)


class QuickGelu(nn.Module):
    """CLIP's activation."""

    def __init__(self, **_: object) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


def torchvision(family: str, name: str, size: int = 224, **options: object) -> Architecture:
    return Architecture(family, lambda: getattr(tv, name)(weights=None, **options), size)


def pytorch_image_models(family: str, name: str, size: int = 224, **options: object) -> Architecture:
    return Architecture(family, lambda: timm.create_model(name, pretrained=False, exportable=True, **options), size)


def segmentation(name: str) -> Architecture:
    options = {"weights": None, "weights_backbone": None, "num_classes": 21}
    return Architecture("segmentation", lambda: FirstOutput(getattr(tv.segmentation, name)(**options)))


def small(family: str, network: Callable[..., nn.Module], **options: object) -> Architecture:
    """A transformer of six narrow blocks."""
    shape = {"img_size": 112, "patch_size": 16, "embed_dim": 192, "depth": 6, "num_heads": 3}
    return Architecture(family, lambda: network(**shape | options), 112)


def clip_vit(**options: object) -> nn.Module:
    return Normalized(VisionTransformer(**options, pre_norm=True, act_layer=QuickGelu, num_classes=128))


def clip_resnet() -> nn.Module:
    return Normalized(timm.create_model("resnet50_clip", pretrained=False))


t, m = torchvision, pytorch_image_models
CNN, MOBILE, VIT, WINDOWS, HYBRID, MIXER, EMBEDDING = (
    "cnn", "mobile", "transformers", "swin-and-hierarchical", "hybrids", "mixers", "embeddings")
ROTARY = {"use_rot_pos_emb": True, "ref_feat_shape": (7, 7)}
REGISTERS = {"reg_tokens": 4, "init_values": 0.1, "no_embed_class": True}

ARCHITECTURES = {
    "resnet18": t(CNN, "resnet18"),
    "resnet50": t(CNN, "resnet50"),
    "vgg16": t(CNN, "vgg16"),
    "densenet121": t(CNN, "densenet121"),
    "googlenet": t(CNN, "googlenet", aux_logits=False, init_weights=False),
    "inception_v3": t(CNN, "inception_v3", 299, aux_logits=False, init_weights=False),
    "squeezenet1_1": t(CNN, "squeezenet1_1"),
    "regnet_y_400mf": t(CNN, "regnet_y_400mf"),
    "convnext_tiny": t(CNN, "convnext_tiny"),
    "convnextv2_atto": m(CNN, "convnextv2_atto"),
    "xception41": m(CNN, "xception41"),
    "res2net50_26w_4s": m(CNN, "res2net50_26w_4s"),
    "dpn68": m(CNN, "dpn68"),
    "repvgg_a0": m(CNN, "repvgg_a0"),
    "nfnet_f0": m(CNN, "nfnet_f0"),
    "efficientnet_lite0": Architecture(MOBILE, load_pretrained, real=True),
    "efficientnet_b0": t(MOBILE, "efficientnet_b0"),
    "mobilenet_v2": t(MOBILE, "mobilenet_v2"),
    "mobilenet_v3_large": t(MOBILE, "mobilenet_v3_large"),
    "mobilenetv4_conv_small": m(MOBILE, "mobilenetv4_conv_small"),
    "shufflenet_v2_x1_0": t(MOBILE, "shufflenet_v2_x1_0"),
    "ghostnet_100": m(MOBILE, "ghostnet_100"),
    "mobileone_s0": m(MOBILE, "mobileone_s0"),
    "vit_b_16": t(VIT, "vit_b_16"),
    "deit_tiny": m(VIT, "deit_tiny_patch16_224"),
    "deit_tiny_distilled": m(VIT, "deit_tiny_distilled_patch16_224"),
    "vit_registers": small(VIT, VisionTransformer, **REGISTERS, num_classes=100),
    "beit": small(VIT, Beit, init_values=0.1, use_rel_pos_bias=True, num_classes=100),
    "eva02": small(VIT, Eva, **ROTARY, qkv_fused=False, swiglu_mlp=True, scale_mlp=True, num_classes=100),
    "xcit_nano": m(VIT, "xcit_nano_12_p16_224"),
    "swin_t": t(WINDOWS, "swin_t"),
    "swin_v2_t": t(WINDOWS, "swin_v2_t"),
    "swin_tiny_timm": m(WINDOWS, "swin_tiny_patch4_window7_224"),
    "pvt_v2_b0": m(WINDOWS, "pvt_v2_b0"),
    "hiera_tiny": m(WINDOWS, "hiera_tiny_224"),
    "twins_svt_small": m(WINDOWS, "twins_svt_small"),
    "mobilevit_xxs": m(HYBRID, "mobilevit_xxs"),
    "mobilevitv2_050": m(HYBRID, "mobilevitv2_050"),
    "maxvit_t": t(HYBRID, "maxvit_t"),
    "maxvit_pico_rw": m(HYBRID, "maxvit_pico_rw_256", 256),
    "coatnet_nano": m(HYBRID, "coatnet_nano_rw_224"),
    "efficientformer_l1": m(HYBRID, "efficientformer_l1"),
    "levit_128s": m(HYBRID, "levit_128s"),
    "tiny_vit_5m": m(HYBRID, "tiny_vit_5m_224"),
    "fastvit_t8": m(HYBRID, "fastvit_t8"),
    "efficientvit_b0": m(HYBRID, "efficientvit_b0"),
    "efficientvit_m0": m(HYBRID, "efficientvit_m0"),
    "edgenext_xx_small": m(HYBRID, "edgenext_xx_small"),
    "vit_tiny_r_s16": m(HYBRID, "vit_tiny_r_s16_p8_224"),
    "mixer_s32": m(MIXER, "mixer_s32_224"),
    "poolformer_s12": m(MIXER, "poolformer_s12"),
    "gmlp_ti16": m(MIXER, "gmlp_ti16_224"),
    "clip_vit": small(EMBEDDING, clip_vit),
    "clip_resnet50": Architecture(EMBEDDING, clip_resnet),
    "dino_vit_tiny": m(EMBEDDING, "vit_tiny_patch16_224", num_classes=0),
    "dinov2": small(EMBEDDING, VisionTransformer, **REGISTERS, patch_size=14, num_classes=0),
    "dinov3": small(EMBEDDING, Eva, use_rot_pos_emb=True, use_abs_pos_emb=False, num_reg_tokens=4, init_values=0.1,
                    rope_type="dinov3", rope_rotate_half=True, qkv_bias=False, num_classes=0, global_pool="token"),
    "lraspp_mobilenet_v3": segmentation("lraspp_mobilenet_v3_large"),
    "deeplabv3_mobilenet_v3": segmentation("deeplabv3_mobilenet_v3_large"),
}

ARCHITECTURES |= {f"torchvision.{name}": Architecture("torchvision", torchvision_builder(name, options), size, module=module)
                  for module, (name, size, options) in TORCHVISION.items()}
ARCHITECTURES |= {f"timm.{name}": Architecture("timm", timm_builder(name, size, options), size, module=module)
                  for module, (name, size, options) in TIMM.items()}
